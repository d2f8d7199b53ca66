"""Whatever answers, a caller gets a result or an `AskedBeforeError`, and nothing else."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from askedbefore_client import (
    AskedBeforeError,
    AsyncClient,
    BusyError,
    Client,
    InvalidError,
    NoAnswerError,
    ProblemError,
    Question,
    Retry,
)
from askedbefore_client.errors import field_problem, kind_of
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "state", "title", "items", "errors", "pairs", "actions", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
ONCE = Retry(tries=1)


def client(answer: httpx.Response | Exception) -> Client:
    def handle(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = httpx.MockTransport(handle)
    return Client("https://ask.example", "ab_k", "cooks", transport=transport, retry=ONCE)


CALLS: dict[str, Callable[[Client], object]] = {
    "submit": lambda to: to.submit(Question(id="1", title="Egg?")),
    "get": lambda to: to.get("1"),
    "delete": lambda to: to.delete("1"),
    "batch": lambda to: to.batch([Question(id="1", title="Egg?")]),
    "check": lambda to: to.check("Egg?"),
    "outcome": lambda to: to.outcome("c", "shown"),
    "pairs": lambda to: list(to.pairs()),
    "actions": lambda to: to.actions(),
    "confirm": lambda to: to.confirm("1", "applied"),
}


@given(st.sampled_from(sorted(CALLS)), JSON, st.sampled_from([200, 202, 301, 404, 422, 500, 502]))
def test_no_answer_of_a_stranger_is_a_crash(call: str, found: Any, status: int) -> None:
    try:
        CALLS[call](client(httpx.Response(status, json=found)))
    except AskedBeforeError:
        return
    assert status < 300


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.DecodingError("broken gzip"),
        httpx.TooManyRedirects("around"),
        httpx.RemoteProtocolError("no http"),
    ],
)
def test_whatever_breaks_on_the_way_is_no_answer(error: httpx.RequestError) -> None:
    with pytest.raises(NoAnswerError, match=type(error).__name__) as caught:
        client(error).get("1")

    assert caught.value.__cause__ is error
    assert caught.value.is_temporary


def test_both_clients_say_the_same_of_it() -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        raise httpx.DecodingError("broken")

    async def run() -> None:
        transport = httpx.MockTransport(handle)
        async with AsyncClient(
            "https://a.example", "k", "f", transport=transport, retry=ONCE
        ) as to:
            await to.get("1")

    with pytest.raises(NoAnswerError):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("errors", "fields"),
    [
        ([{"detail": "is required", "pointer": "#/title"}], "; #/title: is required"),
        ([{"detail": "is wrong", "parameter": "wait"}], "; wait: is wrong"),
        ([{"detail": "is wrong"}], "; is wrong"),
        (["bad gateway"], ""),
        ([None, 7, {"detail": "is wrong"}], "; is wrong"),
        (None, ""),
        ("bad", ""),
        ({"a": 1}, ""),
    ],
)
def test_the_fields_of_a_problem_are_named_whoever_wrote_it(errors: Any, fields: str) -> None:
    answer = httpx.Response(422, json={"detail": "no", "errors": errors})

    with pytest.raises(InvalidError) as caught:
        client(answer).get("1")

    assert str(caught.value) == f"the service answered 422: no{fields}"


@pytest.mark.parametrize(
    ("found", "detail"),
    [
        ({"detail": "too long", "title": "T"}, "too long"),
        ({"title": "T"}, "T"),
        ({}, "no details"),
        ({"detail": None, "title": ""}, "no details"),
        ({"detail": ["a"]}, "['a']"),
        ([], "Bad Gateway"),
        ("text", "Bad Gateway"),
    ],
)
def test_a_problem_says_what_it_can(found: Any, detail: str) -> None:
    with pytest.raises(BusyError) as caught:
        client(httpx.Response(502, json=found)).get("1")

    assert caught.value.detail == detail
    assert caught.value.type == "about:blank"


def test_a_page_of_a_portal_with_a_good_status_is_an_error_too() -> None:
    for body in (b"", b"<html>", b"[]", b"null", b'"ok"', b"{}", b'{"id": 1}', b"\xff"):
        with pytest.raises(ProblemError, match="no answer of askedbefore"):
            client(httpx.Response(200, content=body)).get("1")


def test_an_answer_keeps_the_id_under_which_it_is_in_the_log() -> None:
    answer = httpx.Response(503, json={}, headers={"X-Request-Id": "r-1", "Retry-After": "7"})

    with pytest.raises(BusyError) as caught:
        client(answer).get("1")

    assert (caught.value.request_id, caught.value.retry_after_s) == ("r-1", 7.0)


@given(st.integers(100, 599))
def test_what_may_work_later_is_told_from_what_fails_again(status: int) -> None:
    assert kind_of(status).is_temporary == (status >= 500 or status in {408, 425, 429})


def test_a_wrong_field_is_shown_with_its_place() -> None:
    assert str(field_problem({"detail": "is required"})) == "is required"
    assert str(field_problem({})) == ""
