"""A TLS proxy for a server without TLS."""

import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path

import trustme


class TlsProxy:
    """A TLS proxy for a Redis on a unix socket, with a certificate of *authority*."""

    def __init__(self, target: Path, authority: trustme.CA, host: str) -> None:
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(plain,), daemon=True).start()

    def _relay(self, plain: socket.socket) -> None:
        with (
            plain,
            suppress(OSError),
            self._context.wrap_socket(plain, server_side=True) as tls,
            socket.socket(socket.AF_UNIX) as behind,
        ):
            behind.connect(str(self._target))
            tls.setblocking(False)
            behind.setblocking(False)
            self._copy(tls, behind)

    def _copy(self, tls: ssl.SSLSocket, behind: socket.socket) -> None:
        while True:
            for source, target in ((tls, behind), (behind, tls)):
                with suppress(ssl.SSLWantReadError, BlockingIOError):
                    data = source.recv(65_536)
                    if not data:
                        return
                    target.sendall(data)
            time.sleep(0.001)
