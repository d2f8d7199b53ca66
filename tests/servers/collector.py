"""An OpenTelemetry collector for tests: it receives traces over HTTP."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.servers.web_server import Quiet, serving


@dataclass(frozen=True, slots=True)
class Received:
    """A span that arrived."""

    service: str
    name: str
    trace: str
    links: frozenset[str]
    """Ids of the traces that the span links to."""


@dataclass(slots=True)
class Collector:
    """The URL of the collector, and the spans that it has received."""

    url: str = ""
    spans: list[Received] = field(default_factory=list)

    def named(self, name: str) -> list[Received]:
        """Return the spans of this name."""
        return [span for span in self.spans if span.name == name]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run the collector for the block."""
    made = Collector()
    with serving(_handler(made)) as url:
        made.url = url
        yield made


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Traces(Quiet):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the name that http.server calls
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/traces":
                collector.spans += _received(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Traces


def _received(request: ExportTraceServiceRequest) -> Iterator[Received]:
    for resource in request.resource_spans:
        told = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                links = frozenset(link.trace_id.hex() for link in span.links)
                yield Received(told["service.name"], span.name, span.trace_id.hex(), links)
