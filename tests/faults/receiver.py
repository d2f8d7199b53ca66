"""The forums' backend that receives webhooks, and that can be made to refuse them."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Counts the messages that it took, by their ids."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.refuses = False
        self._lock = threading.Lock()
        self.url = ""

    def answer(self, message_id: str) -> int:
        """Return the status for a message."""
        if self.refuses:
            return 500
        with self._lock:
            self.taken[message_id] += 1
        return 200


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive for the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(receiver.answer(self.headers["webhook-id"]))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
