"""A Redis with TLS: Debian's own if it is installed, otherwise a TLS proxy and ours."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
import trustme

from cli.running.service import held_port, wait_until
from tests.faults.world import World
from tests.servers.tls import TlsProxy

_PROGRAM = "redis-server"


@dataclass(frozen=True, slots=True)
class Tls:
    """Where it listens, and the certificate of who vouches for it."""

    url: str
    authority: Path

    @classmethod
    @contextmanager
    def running(cls, world: World) -> "Iterator[Tls]":
        """Run one for the block."""
        with tempfile.TemporaryDirectory(dir=world.folder) as name:
            folder, vouches = Path(name), trustme.CA()
            authority = folder / "authority.pem"
            vouches.cert_pem.write_to_path(authority)
            if program() is None:
                proxy = TlsProxy(world.redis_socket, vouches, "localhost")
                yield cls(f"rediss://localhost:{proxy.port}/0", authority)
                proxy.close()
            else:
                with _server(folder, vouches) as port:
                    yield cls(f"rediss://localhost:{port}/0", authority)


def program() -> str | None:
    """Return a Redis that knows TLS, if there is one here."""
    found = shutil.which(_PROGRAM)
    if found is None:
        return None
    # One that knows TLS misses a certificate, another one does not know what is meant.
    asked = [found, "--port", "0", "--tls-port", "1"]
    done = subprocess.run(asked, capture_output=True, check=False, text=True)
    return None if "Bad directive" in done.stdout + done.stderr else found


@contextmanager
def _server(folder: Path, vouches: trustme.CA) -> Iterator[int]:
    issued = vouches.issue_cert("localhost")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "chain.pem").write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    with held_port() as port:
        pass
    options = {
        "port": "0", "tls-port": str(port), "bind": "127.0.0.1", "dir": str(folder),
        "tls-cert-file": str(folder / "chain.pem"), "tls-key-file": str(folder / "key.pem"),
        "tls-ca-cert-file": str(folder / "authority.pem"),
        "tls-auth-clients": "no", "save": "", "appendonly": "no",
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [program() or _PROGRAM, *words],
            stdout=log,
            stderr=log,
            env=dict(os.environ),  # noqa: TID251
        )
    try:
        client = redis.Redis(
            host="localhost", port=port, ssl=True, ssl_ca_certs=str(folder / "authority.pem")
        )
        wait_until(lambda: _pings(client), timeout_s=60)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def _pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
