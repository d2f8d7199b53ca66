"""What the client sends, when it sends it again, and what it makes of answers and errors."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from askedbefore_client import (
    AccessError,
    AskedBeforeError,
    AsyncClient,
    BusyError,
    Checked,
    Client,
    ConflictError,
    InvalidError,
    NoAnswerError,
    NotFoundError,
    ProblemError,
    Question,
    Retry,
)
from askedbefore_client.calls import chunks
from askedbefore_client.retry import seconds

Handler = Callable[[httpx.Request], httpx.Response]
STORED = {"id": "1", "state": "done", "title": "T", "duplicates": [], "warnings": [], "new": 1}


class Forum:
    """A client whose service is a list of answers; it notes requests and pauses."""

    def __init__(self, *answers: httpx.Response | Exception, **settings: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        transport = httpx.MockTransport(self._answer)
        self.client = Client(
            "https://service.example",
            "ab_key",
            "my forum",
            transport=transport,
            sleep=self.pauses.append,
            **settings,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def body(self, n: int = 0) -> Any:
        return json.loads(self.requests[n].content)


def stored(**changes: object) -> httpx.Response:
    return httpx.Response(200, json={**STORED, **changes})


def busy(status: int = 503, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"detail": "later"}, headers=given)


def test_a_question_is_sent_with_what_is_known_of_it() -> None:
    forum = Forum(stored())
    asked = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

    question = Question(id="a/b ?", title="T", asked_at=asked, tags=("eggs",), accepted=False)
    forum.client.submit(question, wait_s=2)

    (request,) = forum.requests
    assert request.method == "PUT"
    assert request.url.raw_path == b"/v1/forums/my%20forum/questions/a%2Fb%20%3F?wait=2"
    assert request.headers["authorization"] == "Bearer ab_key"
    assert forum.body() == {
        "title": "T",
        "body": "",
        "asked_at": "2026-03-01T09:30:00+00:00",
        "visible": True,
        "tags": ["eggs"],
        "accepted": False,
    }


def test_fields_of_a_newer_service_are_ignored() -> None:
    duplicate = {"id": "2", "title": "U", "score": 0.9, "kind": "model", "newer": {"a": 1}}

    answer = Forum(stored(duplicates=[duplicate])).client.get("1")

    assert (answer.state, answer.duplicates[0].score) == ("done", 0.9)


@pytest.mark.parametrize(
    ("failure", "status"),
    [(busy(429, retry_after="3"), 429), (busy(500), 500), (httpx.ConnectError("gone"), 0)],
)
def test_what_can_succeed_later_is_sent_again(
    failure: httpx.Response | Exception, status: int
) -> None:
    forum = Forum(failure, stored())

    forum.client.submit(Question(id="1", title="T"))

    assert len(forum.requests) == 2
    assert forum.body(0) == forum.body(1)
    assert 3 <= forum.pauses[0] <= 3.75 if status == 429 else 0.25 <= forum.pauses[0] <= 0.5


def test_a_call_is_given_up_after_the_last_try_with_what_the_service_asked_for() -> None:
    answers = [busy(retry_after="2", x_request_id="r-1") for _ in range(3)]
    forum = Forum(*answers, retry=Retry(tries=3))

    with pytest.raises(BusyError) as caught:
        forum.client.get("1")

    assert len(forum.requests) == 3
    assert (caught.value.retry_after_s, caught.value.request_id) == (2, "r-1")
    assert caught.value.is_temporary


def test_a_pause_longer_than_allowed_is_left_to_the_caller() -> None:
    forum = Forum(busy(429, retry_after="3600"))

    with pytest.raises(BusyError) as caught:
        forum.client.get("1")

    assert forum.pauses == []
    assert caught.value.retry_after_s == 3600


def test_a_check_is_never_repeated() -> None:
    forum = Forum(busy(retry_after="1"))

    with pytest.raises(BusyError):
        forum.client.check("How?")

    assert len(forum.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidError),
        (401, AccessError),
        (403, AccessError),
        (404, NotFoundError),
        (409, ConflictError),
        (413, InvalidError),
        (422, InvalidError),
        (507, BusyError),
    ],
)
def test_every_status_is_an_error_of_its_kind(status: int, kind: type[ProblemError]) -> None:
    forum = Forum(httpx.Response(status, json={"detail": "no"}), retry=Retry(tries=1))

    with pytest.raises(kind):
        forum.client.get("1")

    assert len(forum.requests) == 1


def test_an_error_names_every_wrong_field() -> None:
    problem = {
        "type": "urn:askedbefore:invalid-request",
        "detail": "the request does not fit",
        "errors": [{"detail": "must hold a character", "pointer": "#/title"}],
    }

    with pytest.raises(InvalidError, match=r"#/title: must hold a character") as caught:
        Forum(httpx.Response(422, json=problem)).client.get("1")

    assert caught.value.type == "urn:askedbefore:invalid-request"
    assert not caught.value.is_temporary


@pytest.mark.parametrize("status", [200, 502])
def test_a_page_of_a_proxy_is_an_error_and_no_crash(status: int) -> None:
    answers = [httpx.Response(status, text="<html>hello</html>") for _ in range(4)]

    with pytest.raises(ProblemError):
        Forum(*answers).client.get("1")


def test_no_answer_is_told_apart_from_a_refusal() -> None:
    forum = Forum(*[httpx.ReadTimeout("slow") for _ in range(4)])

    with pytest.raises(NoAnswerError, match="ReadTimeout"):
        forum.client.get("1")


def test_a_large_batch_goes_in_pieces_and_comes_back_as_one() -> None:
    def items(count: int) -> httpx.Response:
        rows = [{"index": n, "id": "x", "outcome": "created", "errors": []} for n in range(count)]
        return httpx.Response(202, json={"items": rows})

    forum = Forum(items(1000), items(1))

    answer = forum.client.batch(Question(id=str(n), title="T") for n in range(1001))

    assert [item.index for item in answer] == list(range(1001))
    assert [len(forum.body(n)["questions"]) for n in (0, 1)] == [1000, 1]


def test_pieces_keep_below_the_size_and_lose_nothing() -> None:
    questions = [Question(id=str(n), title="T", body="x" * 50 * n) for n in range(30)]

    pieces = list(chunks(questions, size_bytes=1500))

    assert [one for piece in pieces for one in piece] == questions
    assert all(len(piece) == 1 or _size(piece) <= 1500 for piece in pieces)


def _size(piece: list[Question]) -> int:
    return sum(len(json.dumps(one.as_json())) for one in piece)


def test_pairs_are_followed_to_the_last_page() -> None:
    def page(number: int, cursor: str | None) -> httpx.Response:
        sides = [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]
        pair = {
            "id": str(number),
            "kind": "model",
            "status": "flagged",
            "score": 0.5,
            "questions": sides,
            "flagged_at": "2026-01-01T00:00:00Z",
        }
        return httpx.Response(200, json={"pairs": [pair], "next_cursor": cursor})

    forum = Forum(page(1, "c"), page(2, None))

    found = list(forum.client.pairs("flagged", "duplicate", min_score=0.5))

    assert [(pair.id, pair.questions[1].title) for pair in found] == [("1", "B"), ("2", "B")]
    assert found[0].flagged_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert (
        forum.requests[1].url.query
        == b"min_score=0.5&cursor=c&limit=100&status=flagged&status=duplicate"
    )


def test_outcomes_and_actions_have_their_calls() -> None:
    action = {"id": 7, "kind": "close", "question_id": "1", "canonical_id": "2", "state": "open"}
    forum = Forum(
        httpx.Response(204),
        httpx.Response(200, json={"actions": [action], "next": 7}),
        httpx.Response(200, json={}),
    )

    forum.client.outcome("c1", "different", candidate_id="2")
    page = forum.client.actions("6")
    forum.client.confirm("7", "failed", "the question is locked")

    assert forum.body(0) == {"check_id": "c1", "outcome": "different", "candidate_id": "2"}
    assert forum.requests[1].url.query == b"state=open&limit=100&after=6"
    assert (page.actions[0].id, page.actions[0].canonical_id, page.next) == ("7", "2", "7")
    assert forum.requests[2].url.path == "/v1/forums/my forum/actions/7"
    assert forum.body(2) == {"state": "failed", "reason": "the question is locked"}


def test_the_asynchronous_client_does_the_same() -> None:
    answers = [busy(retry_after="2"), stored()]
    pauses: list[float] = []

    async def noted(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> str:
        transport = httpx.MockTransport(lambda _: answers.pop(0))
        async with AsyncClient(
            "https://service.example", "k", "f", transport=transport, sleep=noted
        ) as client:
            return (await client.submit(Question(id="1", title="T"))).state

    assert asyncio.run(run()) == "done"
    assert 2 <= pauses[0] <= 2.5


def test_both_clients_have_the_same_methods() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("7", 7),
        (" 7 ", 7),
        ("-1", None),
        ("soon", None),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, wanted: float | None) -> None:
    assert seconds(header, now=datetime(2026, 1, 1, tzinfo=UTC)) == wanted


def test_pauses_grow_stay_below_the_longest_and_differ() -> None:
    retry = Retry(tries=20, first_pause_s=1, longest_pause_s=8)
    error = NoAnswerError("x")

    least = [retry.pause_s(error, tried=n, draw=lambda: 0.0) for n in range(1, 7)]
    most = [retry.pause_s(error, tried=n, draw=lambda: 1.0) for n in range(1, 7)]

    assert least == [0.5, 1, 2, 4, 4, 4]
    assert most == [1, 2, 4, 8, 8, 8]
    assert retry.pause_s(AskedBeforeError("x"), tried=1) is None


def test_an_empty_check_is_an_answer() -> None:
    assert Forum(httpx.Response(200, json={"duplicates": []})).client.check("How?") == Checked()
