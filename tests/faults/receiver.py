"""The backend of the forums: it receives webhooks, or refuses them on request."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.web_server import Quiet, serving


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

    class Handler(Quiet):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(receiver.answer(self.headers["webhook-id"]))
            self.send_header("content-length", "0")
            self.end_headers()

    with serving(Handler) as address:
        receiver.url = f"{address}/hook"
        yield receiver
