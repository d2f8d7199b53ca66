"""Reads requests with httptools, a parser in C, and adds a limit that it lacks.

It would keep a request line and headers of any length in memory. A body has its own limit, in
`api.http.middleware`.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 * 1024
"""Bytes that may come without an end of the headers."""


class LimitedHeads(HttpToolsProtocol):
    """Refuses a request whose headers do not end."""

    _in_head = True
    _waiting = 0
    """Bytes since the headers began."""

    def data_received(self, data: bytes) -> None:
        """Read some bytes of a connection."""
        self._waiting += len(data)
        super().data_received(data)
        if self._in_head and self._waiting > LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The request line and the headers are too long.")

    def on_headers_complete(self) -> None:
        """Pass a request on, of which the body may follow."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Begin to wait for the next request."""
        self._in_head, self._waiting = True, 0
        super().on_message_complete()
