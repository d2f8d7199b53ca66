"""Traces for OpenTelemetry, if ``ASKEDBEFORE_TRACES`` is set and the extra `otel` is installed.

A message of the queue names no question, and a batch has the questions of many requests. So the
trace is stored in the rows: the default of their columns takes it from the transaction that writes
them. A trace contains nothing of a question but its id.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link
from sqlalchemy import event, text

from db.engine import Sessions
from db.errors import InvalidInputError

_HTTP = "http/protobuf"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
TRACER = trace.get_tracer("askedbefore")
_NOTE = text("SELECT set_config('askedbefore.trace', :trace, true)")


def set_up(role: str) -> None:
    """Send this process' traces to the address in OpenTelemetry's own variables.

    Raises `InvalidInputError` without the extra `otel`, or if the variables name another protocol
    than HTTP.
    """
    protocol = next((os.environ[one] for one in _PROTOCOLS if one in os.environ), _HTTP)  # noqa: TID251  # not our setting
    if protocol != _HTTP:
        raise InvalidInputError(
            f"traces are sent over HTTP, not by {protocol}: set {_PROTOCOLS[1]}={_HTTP}, and"
            " OTEL_EXPORTER_OTLP_ENDPOINT to that port of the collector, usually 4318"
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  # an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise InvalidInputError(
            "ASKEDBEFORE_TRACES needs OpenTelemetry: pip install 'askedbefore[otel]'"
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": f"askedbefore-{role}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    follow_messages()


def follow_messages() -> None:
    """Let the queue's messages carry the trace of their sender."""
    from opentelemetry.instrumentation.celery import CeleryInstrumentor  # noqa: PLC0415  # an extra

    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]


def end() -> None:
    """Send the traces that are not sent yet."""
    flush: Callable[[], object] = getattr(trace.get_tracer_provider(), "force_flush", lambda: None)
    flush()


def note_in(sessions: Sessions) -> None:
    """Let every transaction in a trace name the trace to the database, by one more statement."""

    @event.listens_for(sessions, "after_begin")
    def note(_session: object, _transaction: object, connection: Any) -> None:
        if trace.get_current_span().is_recording():
            carrier: dict[str, str] = {}
            propagate.inject(carrier)
            connection.execute(_NOTE, {"trace": carrier.get("traceparent", "")})


def context_of(traceparent: str) -> Context:
    """Return the context of the trace that is stored in a row."""
    return propagate.extract({"traceparent": traceparent})


def links_to(traceparents: Iterable[str]) -> list[Link]:
    """Return links to these traces."""
    spans = (trace.get_current_span(context_of(one)) for one in traceparents)
    return [Link(span.get_span_context()) for span in spans]


@contextmanager
def batch(name: str, traces: Mapping[int, str], *, size: int) -> Iterator[None]:
    """Trace work on *size* questions at once; *traces* has the traces of some, by question id.

    If there is only one trace, the work is part of it. Otherwise the work has a trace of its own,
    and the trace of each question gets a span. The spans link to each other.
    """
    asked = {"askedbefore.questions": size}
    if len(set(traces.values())) == 1:
        (only,) = set(traces.values())
        with TRACER.start_as_current_span(name, context=context_of(only), attributes=asked):
            yield
        return
    to_all = links_to(traces.values())
    with (
        TRACER.start_as_current_span(name, links=to_all, attributes=asked) as span,
        ExitStack() as others,
    ):
        back = [Link(span.get_span_context())]
        for question_id, traceparent in traces.items():
            beside = TRACER.start_span(
                name,
                context=context_of(traceparent),
                links=back,
                attributes={"askedbefore.question": question_id},
            )
            others.callback(beside.end)
        yield


def traced(
    process: Callable[[Sequence[Any], Any], None],
    find: Callable[[list[int]], Mapping[int, str]],
) -> Callable[[Sequence[Any], Any], None]:
    """Return *process* with a trace of each batch; *find* returns the traces of questions by id."""

    def run(questions: Sequence[Any], lease: Any) -> None:
        with batch("questions.check", find([one.id for one in questions]), size=len(questions)):
            process(questions, lease)

    return run
