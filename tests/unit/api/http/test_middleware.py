"""What stands around every request: its size, its form, its answer without a body, its measures."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.middleware import SECURITY_HEADERS, BodyForms, Heads, Observer, PayloadLimit
from tests.servers.asgi import Inner, call, scope_of
from tests.unit.api.http.test_errors import FewMetrics

QUESTION = "/v1/forums/cooks/questions/1"
ARCHIVES = ["/v1/forums/cooks/archives", "/console/cooks/archives"]


def observed(app: ASGIApp) -> tuple[Observer, FewMetrics]:
    metrics = FewMetrics()
    return Observer(app, metrics), metrics  # type: ignore[arg-type]


def counted(metrics: FewMetrics) -> Mapping[tuple[str, ...], float]:
    samples = next(iter(metrics.requests.collect())).samples
    return {tuple(one.labels.values()): one.value for one in samples if one.name == "r_total"}


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=8))
def test_a_body_passes_whole_if_it_fits_and_not_at_all_if_not(pieces: list[bytes]) -> None:
    body, inner = b"".join(pieces), Inner()

    answer = call(observed(PayloadLimit(inner, 20, 20))[0], scope_of(QUESTION, "POST"), *pieces)

    if len(body) <= 20:
        assert (answer.status, inner.got) == (200, body)
    else:
        assert len(inner.got) <= 20


@pytest.mark.parametrize("path", ARCHIVES)
def test_an_archive_may_be_larger_than_any_other_body(path: str) -> None:
    app = PayloadLimit(Inner(), 10, 100)

    def status(where: str, length: int) -> int:
        return call(app, scope_of(where, "POST", content_length=str(length))).status

    assert [status(path, length) for length in (10, 100, 101)] == [200, 200, 413]
    assert [status(f"{path}/7", length) for length in (10, 11)] == [200, 413]
    assert [status(QUESTION, length) for length in (10, 11)] == [200, 413]


@pytest.mark.parametrize("length", ["", "-1", "1e3", "+5", " 5", "\u0665"])
def test_a_length_that_is_no_number_is_left_to_the_count_of_what_comes(length: str) -> None:
    scope = scope_of(QUESTION, "POST")
    scope["headers"] = [(b"content-length", length.encode("utf-8"))]

    assert call(PayloadLimit(Inner(), 10, 10), scope, b"short").status == 200


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (QUESTION, {}, 200),
        (QUESTION, {"content_encoding": "identity"}, 200),
        (QUESTION, {"content_encoding": " Identity "}, 200),
        (QUESTION, {"content_encoding": "gzip"}, 415),
        (QUESTION, {"content_encoding": "zstd"}, 415),
        (ARCHIVES[0], {"content_encoding": "gzip"}, 200),
        (ARCHIVES[0], {"content_encoding": "X-GZIP"}, 200),
        (ARCHIVES[1], {"content_encoding": "zstd"}, 200),
        (ARCHIVES[0], {"content_encoding": "br"}, 415),
        (ARCHIVES[0], {"content_encoding": "gzip, gzip"}, 415),
        (QUESTION, {"content_type": "application/json"}, 200),
        (QUESTION, {"content_type": "Multipart/Form-Data; boundary=x"}, 415),
        (ARCHIVES[0], {"content_type": "multipart/form-data"}, 415),
    ],
)
def test_only_forms_of_a_body_that_are_read_pass(
    path: str, headers: dict[str, str], status: int
) -> None:
    inner = Inner()

    assert call(BodyForms(inner), scope_of(path, "POST", **headers)).status == status

    assert len(inner.scopes) == (status == 200)


def test_a_refused_form_says_what_to_send_instead() -> None:
    parts = scope_of(ARCHIVES[0], "POST", content_type="multipart/form-data")
    packed = scope_of(QUESTION, "POST", content_encoding="deflate" * 20)

    assert b"curl -T FILE" in call(BodyForms(Inner()), parts).body
    answer = call(BodyForms(Inner()), packed).body
    assert b"send it unpacked" in answer
    assert answer.count(b"deflate") < 8


def test_head_is_answered_as_get_without_its_body() -> None:
    inner = Inner(status=206, headers={"X-Told": "yes"}, pieces=(b"a", b"b", b"c"))

    answer = call(Heads(inner), scope_of(method="HEAD"))

    assert (answer.status, answer.headers, answer.body) == (206, {"x-told": "yes"}, b"")
    assert inner.scopes[0]["method"] == "GET"
    assert len(answer.sent) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_methods_keep_their_bodies(method: str) -> None:
    assert call(Heads(Inner()), scope_of(method=method)).body == b"inner"


def test_a_stream_without_an_end_is_no_work_for_head() -> None:
    drawn: list[int] = []

    async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            drawn.append(1)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})

    assert call(Heads(endless), scope_of(method="HEAD")).status == 200
    assert drawn == []


def test_every_answer_has_the_headers_of_safety_unless_its_route_knows_better() -> None:
    inner = Inner(headers={"Cache-Control": "public", "X-Frame-Options": "SAMEORIGIN"})

    answer = call(observed(inner)[0], scope_of())

    expected = {name.lower(): value for name, value in SECURITY_HEADERS.items()}
    expected |= {"cache-control": "public", "x-frame-options": "SAMEORIGIN"}
    assert {name: answer.headers[name] for name in expected} == expected


def test_each_request_has_an_id_of_its_own() -> None:
    app, _ = observed(Inner())

    ids = {call(app, scope_of()).headers["x-request-id"] for _ in range(20)}

    assert len(ids) == 20


@pytest.mark.parametrize(
    ("method", "shown"), [("PUT", "PUT"), ("BREW", "other"), ("get", "other"), ("HEAD", "HEAD")]
)
def test_no_caller_can_make_new_series_of_the_measures(method: str, shown: str) -> None:
    app, metrics = observed(Inner(status=404))

    for number in range(3):
        call(app, scope_of(f"/{number}", method))

    assert counted(metrics) == {(shown, "unmatched", "404"): 3.0}


def test_a_failure_before_the_answer_is_told_and_one_within_it_ends_the_connection() -> None:
    async def fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("no word of this")

    async def breaks(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("no word of this")

    app, metrics = observed(fails)
    answer = call(app, scope_of())
    assert answer.status == 500
    assert answer.headers["x-request-id"]
    assert b"no word" not in answer.body
    assert counted(metrics) == {("GET", "unmatched", "500"): 1.0}
    with pytest.raises(RuntimeError):
        call(observed(breaks)[0], scope_of())


def test_a_caller_who_left_is_no_failure_of_the_service(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def reads(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ClientDisconnect

    app, metrics = observed(reads)

    assert call(app, scope_of()).sent == []
    assert counted(metrics) == {("GET", "unmatched", "499"): 1.0}
    assert "http.failed" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_what_is_no_request_passes_untouched(kind: str) -> None:
    inner = Inner()
    scope = scope_of(kind=kind)
    app: ASGIApp = PayloadLimit(BodyForms(Heads(inner)), 1, 1)

    call(observed(app)[0], scope)

    assert inner.scopes == [scope]
