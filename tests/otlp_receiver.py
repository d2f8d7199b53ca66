"""A receiver of OpenTelemetry's traces over HTTP, as a collector has one."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True, slots=True)
class Received:
    """A span that a process has sent."""

    service: str
    name: str
    trace: str
    links: tuple[str, ...]
    """The traces that it leads to."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where to send to, and what has come."""

    address: str
    spans: list[Received]

    def of(self, trace: str) -> set[tuple[str, str]]:
        """Return service and name of the spans of a trace."""
        return {(span.service, span.name) for span in list(self.spans) if span.trace == trace}


def _read(body: bytes) -> Iterator[Received]:
    for process in ExportTraceServiceRequest.FromString(body).resource_spans:
        told = {one.key: one.value.string_value for one in process.resource.attributes}
        for scope in process.scope_spans:
            for span in scope.spans:
                links = tuple(link.trace_id.hex() for link in span.links)
                yield Received(told["service.name"], span.name, span.trace_id.hex(), links)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive in a thread."""
    spans: list[Received] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding") == "gzip"
            spans.extend(_read(gzip.decompress(body) if packed else body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Receiver(f"http://127.0.0.1:{server.server_port}", spans)
    finally:
        server.shutdown()
        server.server_close()
