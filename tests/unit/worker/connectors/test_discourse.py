"""Whatever a Discourse answers is read, refused, or waited for: nothing else comes of a call."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.actions.rows import ActionRow, ActionState, Kind
from db.connecting.connectors import Backfill, ConnectorKind, ConnectorRow, Mode
from db.errors import InvalidInputError
from tests.unit.worker.connectors.test_shapes import topic
from worker.connectors.discourse import AwayError, Discourse, DiscourseError

ROW = ConnectorRow(
    forum_id=1,
    kind=ConnectorKind.DISCOURSE,
    url="https://forum.example",
    api_key="key",
    api_user="system",
    secret="s",  # noqa: S106  # of nobody
    mode=Mode.NOTE,
    tag=None,
    paths={},
    categories=(),
    backfill=Backfill.RUNNING,
    page=0,
    read=0,
    error=None,
)


class Answering(Discourse):
    """A forum that answers each call with the next of *answers*, or raises it."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        super().__init__(ROW, allow_private=False, public_url="")
        self.answers = list(answers)
        self.asked: list[str] = []

    def _send(
        self,
        method: str,
        path: str,
        form: Mapping[str, Any] | None,  # noqa: ARG002  # as it is called
    ) -> httpx2.Response:
        self.asked.append(f"{method} {path}")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(content: object, *, status: int = 200, rest: str = "") -> httpx2.Response:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx2.Response(status, content=raw, headers={"retry-after": rest} if rest else {})


def listed(*topics: object, more: bool = False) -> httpx2.Response:
    rest = {"more_topics_url": "/latest?page=1"} if more else {}
    return answer({"topic_list": {"topics": list(topics), **rest}})


@pytest.mark.parametrize("more", [True, False])
def test_a_page_says_whether_it_is_the_last(*, more: bool) -> None:
    forum = Answering(listed(topic(), topic(id=43), more=more))

    page = forum.page(3)

    assert [one.external_id for one in page.changes] == ["42", "43"]
    assert page.is_last is not more
    assert forum.asked == ["GET /latest.json?order=created&ascending=true&page=3"]


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"id": "42"},
        {"id": True},
        topic(created_at="yesterday"),
        topic(created_at=""),
        "no topic",
        None,
        topic(archetype="banner"),
    ],
)
def test_a_topic_that_cannot_be_read_does_not_end_the_reading(odd: object) -> None:
    page = Answering(listed(odd, topic(id=43))).page(0)

    assert [one.external_id for one in page.changes] == ["43"]


@pytest.mark.parametrize(
    "content", [[], {}, {"topic_list": []}, {"topic_list": {"topics": {}}}, b"", 7]
)
def test_a_list_in_another_form_is_a_fault_that_is_told(content: object) -> None:
    with pytest.raises(DiscourseError, match="documented form"):
        Answering(answer(content)).page(0)


@pytest.mark.parametrize(
    ("given_", "said", "rest_s"),
    [
        (answer(b"<html>Back soon</html>"), "it answered no JSON", 60),
        (answer(b"\xff\xfe{"), "it answered no JSON", 60),
        (answer(b'{"topic_list": '), "it answered no JSON", 60),
        (answer({}, status=429, rest="7"), "it answered 429", 7),
        (answer({}, status=429, rest="99999"), "it answered 429", 3_600),
        (answer({}, status=429, rest="soon"), "it answered 429", 60),
        (answer({}, status=429, rest="-5"), "it answered 429", 60),
        (answer(b"<html>", status=502), "it answered 502", 60),
        (httpx2.ConnectError("refused"), "ConnectError: refused", 60),
        (OSError("unreachable"), "OSError: unreachable", 60),
    ],
)
def test_a_forum_that_is_away_is_asked_again_later(
    given_: httpx2.Response | Exception, said: str, rest_s: float
) -> None:
    with pytest.raises(AwayError, match=said) as caught:
        Answering(given_).page(0)

    assert caught.value.rest_s == rest_s


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (answer({"errors": ["no"]}, status=403), r"GET /latest\.json\?.*: it answered 403"),
        (answer(b"", status=404), "it answered 404"),
        (answer(b"", status=302), "it answered 302"),
        (InvalidInputError("forum.example is in a private network"), "private network"),
    ],
)
def test_a_refusal_is_told_with_its_reason(given_: httpx2.Response | Exception, said: str) -> None:
    with pytest.raises(DiscourseError, match=said):
        Answering(given_).page(0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 99) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["topic_list", "topics", "id", "title", "tags", "created_at"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=50)
@given(JSON | JSON.map(lambda inner: {"topic_list": {"topics": [inner]}}))
def test_any_answer_is_a_page_or_a_fault_of_ours(content: object) -> None:
    try:
        page = Answering(answer(content)).page(0)
    except DiscourseError:
        return

    assert all(one.external_id for one in page.changes)


class Repeating(Answering):
    """A forum that answers every call in the same way."""

    def _send(self, method: str, path: str, form: Mapping[str, Any] | None) -> httpx2.Response:
        self.answers = self.answers[:1] * 2
        return super()._send(method, path, form)


def action(kind: Kind) -> ActionRow:
    now = datetime.now(UTC)
    return ActionRow(
        id=1,
        pair_id=1,
        kind=kind,
        state=ActionState.OPEN,
        question_id="42",
        question_title="How do I boil an egg?",
        question_url=None,
        canonical_id="7",
        canonical_title="How long do I boil an egg?",
        canonical_url=None,
        reason=None,
        token="t",  # noqa: S106  # of nobody
        due_at=now,
        applied_at=None,
        created_at=now,
        updated_at=now,
    )


POST = st.fixed_dictionaries(
    {}, optional={"id": JSON, "post_number": JSON, "raw": JSON, "username": JSON}
)
TOPIC = st.fixed_dictionaries(
    {"id": st.just(42)},
    optional={
        "tags": JSON,
        "closed": JSON,
        "details": JSON | JSON.map(lambda inner: {"created_by": inner}),
        "post_stream": JSON | st.lists(POST | JSON, max_size=3).map(lambda posts: {"posts": posts}),
    },
)


@settings(max_examples=60)
@given(JSON | TOPIC, st.sampled_from(Kind))
def test_whatever_a_forum_answers_an_action_is_carried_out_or_refused(
    content: object, kind: Kind
) -> None:
    forum = Repeating(answer(content))
    try:
        forum.carry_out(action(kind))
    except DiscourseError:
        assert forum.asked == ["GET /t/42.json?include_raw=1"]


@pytest.mark.parametrize("content", [b"<html>Sign in</html>", b"[" * 100_000])
def test_an_action_waits_while_another_server_answers(content: bytes) -> None:
    with pytest.raises(AwayError, match="it answered no JSON"):
        Repeating(answer(content)).carry_out(action(Kind.CLOSE))


def test_a_body_is_that_of_the_first_post_and_a_topic_that_is_gone_keeps_its_title() -> None:
    posts = {"posts": [{"post_number": 2, "raw": "an answer"}, {"post_number": 1, "raw": "Soft."}]}
    forum = Answering(
        listed(topic(), topic(id=43), topic(id=44)),
        answer({"post_stream": posts}),
        answer({}, status=404),
        answer({"post_stream": {"posts": [{"post_number": 2, "raw": "an answer"}]}}),
    )

    page = forum.page(0, with_bodies=True)

    assert [one.fields.get("body") for one in page.changes] == ["Soft.", None, None]
    assert forum.asked[1:] == [f"GET /t/{number}.json?include_raw=1" for number in (42, 43, 44)]
