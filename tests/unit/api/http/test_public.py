"""Calls from pages: their pace, and what browsers are told of who may read the answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from api.http import public
from api.http.public import CallLimit, PublicPages, TooManyCallsError, allow_origin
from tests.clock import Clock
from tests.servers.asgi import Inner, call, scope_of

CHECK = "/v1/forums/cooks/check"
PAGE = "https://forum.example"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(public, "time", made)
    return made


@given(
    st.integers(1, 5), st.lists(st.sampled_from([0.0, 0.5, 10.0, 59.0, 60.0, 61.0]), max_size=30)
)
def test_no_minute_has_more_calls_than_allowed_and_a_refusal_says_when(
    most: int, pauses: list[float]
) -> None:
    clock, limit, taken = Clock(), CallLimit(most), list[float]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(public, "time", clock)
        for pause in pauses:
            clock.now += pause
            try:
                limit.count(1, "a")
            except TooManyCallsError as error:
                clock.now += error.retry_after_s
                limit.count(1, "a")
            taken.append(clock.now)

    for begin in taken:
        assert sum(begin <= one < begin + 60 for one in taken) <= most


def test_a_refused_call_does_not_count(clock: Clock) -> None:
    limit = CallLimit(1)
    limit.count(1, "a")
    for _ in range(5):
        clock.now += 10
        with pytest.raises(TooManyCallsError):
            limit.count(1, "a")

    clock.now += 10
    limit.count(1, "a")


def test_each_key_and_each_address_has_its_own_pace(clock: Clock) -> None:
    limit = CallLimit(1)

    for key, address in ((1, "a"), (1, "b"), (2, "a")):
        limit.count(key, address)

    with pytest.raises(TooManyCallsError):
        limit.count(2, "a")
    assert clock.now == 1_000.0


def test_callers_without_number_take_no_memory_without_end(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public, "_REMEMBERED", 3)
    limit = CallLimit(1)
    for number in range(4):
        limit.count(1, str(number))

    limit.count(1, "0")  # the one that was silent for longest is forgotten
    with pytest.raises(TooManyCallsError):
        limit.count(1, "3")
    assert clock.now == 1_000.0


@pytest.mark.parametrize("path", [CHECK, "/v1/forums/cooks/outcomes"])
def test_a_browser_that_asks_first_may_call(path: str) -> None:
    inner = Inner()

    answer = call(PublicPages(inner), scope_of(path, "OPTIONS", origin=PAGE))

    assert (answer.status, answer.body, inner.scopes) == (204, b"", [])
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v1/forums/cooks/questions/1", "OPTIONS"),
        ("/v1/forums/cooks/check/more", "OPTIONS"),
        ("/v1/forums/a/b/check", "OPTIONS"),
        ("/v1/forums//check", "OPTIONS"),
    ],
)
def test_no_other_call_is_for_pages(path: str, method: str) -> None:
    inner = Inner()

    answer = call(PublicPages(inner), scope_of(path, method, origin=PAGE))

    assert len(inner.scopes) == 1
    assert answer.headers == {}


def test_only_a_page_that_the_route_has_allowed_may_read_the_answer() -> None:
    async def allows(scope: Scope, receive: Receive, send: Send) -> None:
        allow_origin(Request(scope), PAGE)
        await Inner()(scope, receive, send)

    allowed = call(PublicPages(allows), scope_of(CHECK, "POST", origin=PAGE)).headers
    refused = call(PublicPages(Inner()), scope_of(CHECK, "POST", origin=PAGE)).headers

    assert allowed["access-control-allow-origin"] == PAGE
    assert allowed["access-control-expose-headers"] == "Retry-After"
    assert allowed["vary"] == refused["vary"] == "Origin"
    assert "access-control-allow-origin" not in refused


def test_a_program_that_asks_for_options_is_answered_by_the_route() -> None:
    inner = Inner(status=405)

    assert call(PublicPages(inner), scope_of(CHECK, "OPTIONS")).status == 405
