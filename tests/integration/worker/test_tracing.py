"""One trace from the submission over Celery to the flag, and from the decision back to it."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from db.errors import InvalidInputError
from db.outbox import events
from db.outbox.events import NewEvent
from tests.rows.archive_factories import make_models
from tests.rows.factories import make_forum
from tests.servers.api_service import make_key, make_settings
from worker import tasks
from worker.app import make_app
from worker.process import tracing
from worker.queue import CeleryQueue
from worker.resources import Resources
from worker.settings import WorkerSettings

Factory = sessionmaker[Session]
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


class Switch(Sampler):
    """Keeps the traces of these tests alone: a process has one provider for good."""

    is_on = False

    def should_sample(self, *args: Any, **named: Any) -> SamplingResult:
        return (ALWAYS_ON if self.is_on else ALWAYS_OFF).should_sample(*args, **named)

    def get_description(self) -> str:
        return "of the test"


SWITCH = Switch()
KEPT = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def recording() -> Iterator[None]:
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        provider = TracerProvider(sampler=SWITCH)
        provider.add_span_processor(SimpleSpanProcessor(KEPT))
        trace.set_tracer_provider(provider)
        tracing.follow_messages()
    SWITCH.is_on = True
    yield
    SWITCH.is_on = False


@pytest.fixture
def traced(engine: Engine, committed: Factory) -> Factory:
    """Sessions that tell the database in which trace they write."""
    assert committed is not None
    sessions = sessionmaker(engine, expire_on_commit=False)
    tracing.note_in(sessions)
    KEPT.clear()
    return sessions


def spans(name: str) -> list[ReadableSpan]:
    return [span for span in KEPT.get_finished_spans() if span.name == name]


def trace_of(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}"


def work(sessions: Factory, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a Celery worker that runs in this process, with fakes of the models."""
    settings = WorkerSettings.model_validate(
        {"redis_url": redis_url, "device": "cpu", "traces": True}
    )
    held = Resources(settings, sessions, CeleryQueue(redis_url))
    held._models = make_models(sessions)  # noqa: SLF001  # the real ones take seconds
    monkeypatch.setattr(tasks, "resources", lambda: held)
    return start_worker(
        make_app(settings), pool="solo", perform_ping_check=False, queues=["live"], loglevel="ERROR"
    )


def test_a_question_is_traced_from_its_submission_to_its_flag_and_to_the_decision(
    traced: Factory, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(traced, "cooks", scopes=("submit", "review"))
    settings = make_settings(redis_url=redis_url, traces=True)
    client = TestClient(create_app(settings, traced, CeleryQueue(redis_url)))
    client.headers["Authorization"] = f"Bearer {key}"
    where = "/v1/forums/cooks/questions"
    with client, work(traced, redis_url, monkeypatch):
        client.put(f"{where}/1?wait=10", json={"title": "How do I boil an egg?"})
        KEPT.clear()
        answer = client.put(
            f"{where}/2?wait=10", json={"title": "How do I boil an egg?"}, headers=CALLER
        ).json()
    pair = answer["duplicates"][0]["pair_id"]
    decided = client.post(
        f"/v1/forums/cooks/pairs/{pair}/decision",
        json={"decision": "duplicate", "version": 1, "moderator": "ana"},
    )

    assert decided.status_code == HTTPStatus.OK, decided.text
    (put,) = spans("PUT /v1/forums/{forum}/questions/{question_id:path}")
    (check,) = spans("questions.check")
    assert trace_of(put) == trace_of(check) == TRACE
    assert [span for span in spans("embed") if trace_of(span) == TRACE]
    assert [span for span in spans("save") if trace_of(span) == TRACE]
    assert [s for s in spans("apply_async/worker.drain_live") if trace_of(s) == TRACE]
    assert not [
        name
        for span in KEPT.get_finished_spans()
        for name in span.attributes or {}
        if name.startswith("url.")
    ]
    (decision,) = spans("POST /v1/forums/{forum}/pairs/{pair_id}/decision")
    assert trace_of(decision) != TRACE
    assert [f"{link.context.trace_id:032x}" for link in decision.links] == [TRACE]


def test_a_batch_of_many_requests_has_a_trace_that_each_of_theirs_leads_to() -> None:
    KEPT.clear()
    parents = {number: f"00-{number:032x}-{number:016x}-01" for number in (1, 2)}
    with tracing.batch("questions.check", parents, size=3):
        pass

    found = spans("questions.check")
    (whole,) = [span for span in found if len(span.links) == 2]
    beside = [span for span in found if span is not whole]
    assert {trace_of(span) for span in beside} == {f"{number:032x}" for number in parents}
    assert {link.context.span_id for span in beside for link in span.links} == {
        whole.context.span_id
    }


def test_without_a_trace_rows_have_none(traced: Factory) -> None:
    SWITCH.is_on = False
    try:
        with traced.begin() as session:
            forum = make_forum(session, "bakers")
            new = NewEvent(forum_id=forum.id, kind="pair.flagged", actor="x", pair_id=7)
            events.record(session, [new])
            assert events.traces_of(session, [7]) == []
    finally:
        SWITCH.is_on = True


@pytest.mark.parametrize(
    "name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"]
)
def test_a_protocol_that_is_not_spoken_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "grpc")

    with pytest.raises(InvalidInputError, match="over HTTP, not by grpc"):
        tracing.set_up("api")


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(InvalidInputError, match=r"askedbefore\[otel\]"):
        tracing.set_up("api")
