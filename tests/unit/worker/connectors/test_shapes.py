"""What the messages of forums' software say."""

from typing import Any

import pytest

from db.errors import InvalidInputError
from worker.connectors import shapes
from worker.connectors.shapes import UnreadableMessageError

BASE = "https://forum.example"


def topic(**changes: Any) -> dict[str, Any]:
    """Return a topic, in the shape that Discourse documents."""
    return {
        "id": 42,
        "title": "How do I boil an egg?",
        "fancy_title": "How do I boil an egg?",
        "slug": "how-do-i-boil-an-egg",
        "posts_count": 3,
        "created_at": "2026-03-01T09:30:00.000Z",
        "views": 17,
        "like_count": 2,
        "visible": True,
        "closed": False,
        "archetype": "regular",
        "category_id": 4,
        "tags": ["eggs", {"id": 3, "name": "boiling"}],
        "deleted_at": None,
        "created_by": {"id": 7, "username": "rosa", "name": "Rosa"},
        **changes,
    }


def test_a_topic_says_everything_but_its_text() -> None:
    change = shapes.of_discourse("topic_created", {"topic": topic()}, base_url=BASE + "/")

    assert change is not None
    assert change.external_id == "42"
    fields = dict(change.fields)
    facts = fields.pop("facts")
    assert (facts.answers, facts.views, facts.votes, facts.tags) == (2, 17, 2, ("eggs", "boiling"))
    assert fields.pop("asked_at").isoformat() == "2026-03-01T09:30:00+00:00"
    assert fields == {
        "title": "How do I boil an egg?",
        "url": "https://forum.example/t/how-do-i-boil-an-egg/42",
        "category": "4",
        "author": "rosa",
        "visible": True,
    }


@pytest.mark.parametrize(
    ("event", "changes", "visible"),
    [
        ("topic_destroyed", {}, False),
        ("topic_recovered", {}, True),
        ("topic_edited", {"visible": False}, False),
        ("topic_edited", {"deleted_at": "2026-03-02T09:30:00.000Z"}, False),
    ],
)
def test_what_is_gone_or_unlisted_is_hidden(
    event: str, changes: dict[str, Any], *, visible: bool
) -> None:
    change = shapes.of_discourse(event, {"topic": topic(**changes)}, base_url=None)

    assert change is not None
    assert change.fields["visible"] is visible


def test_the_first_post_says_the_text_and_others_say_nothing() -> None:
    post = {"id": 1, "topic_id": 42, "post_number": 1, "raw": "It *bursts*.", "topic_title": "Eggs"}

    change = shapes.of_discourse("post_edited", {"post": post}, base_url=BASE)
    answer = shapes.of_discourse(
        "post_created", {"post": {**post, "post_number": 2}}, base_url=BASE
    )

    assert change is not None
    assert change.fields == {"title": "Eggs", "body": "It *bursts*."}
    assert answer is None


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("topic_created", {"topic": topic(archetype="banner")}),
        ("post_created", {"post": {"post_number": 1, "topic_archetype": "private_message"}}),
        ("ping", {"ping": "OK"}),
        ("user_created", {"user": {"id": 1}}),
    ],
)
def test_private_and_other_messages_are_none_of_ours(event: str, message: Any) -> None:
    assert shapes.of_discourse(event, message, base_url=BASE) is None


@pytest.mark.parametrize(
    "changes", [{"archetype": "private_message"}, {"category_id": 9}, {"category_id": None}]
)
def test_a_topic_that_not_everybody_may_read_any_more_is_hidden(changes: Any) -> None:
    message = {"topic": topic(**changes)}

    change = shapes.of_discourse("topic_edited", message, base_url=BASE, categories=[4, 5])

    assert change is not None
    assert change.fields == {"visible": False}


@pytest.mark.parametrize("message", [None, [], {}, {"topic": 3}, {"topic": topic(id="42")}])
def test_a_message_of_another_shape_is_refused(message: Any) -> None:
    with pytest.raises(UnreadableMessageError):
        shapes.of_discourse("topic_created", message, base_url=BASE)


PATHS = {
    "id": "$.thread.id",
    "title": "$.thread.posts[0].subject",
    "body": "$.thread.posts[0].text",
    "deleted": "$[?@ == 'thread.deleted']",
}


def test_a_declared_message_is_read_at_its_paths() -> None:
    message = {
        "event": "thread.new",
        "thread": {"id": 9, "posts": [{"subject": "Why?", "text": 5}]},
    }

    made = shapes.of_any(message, PATHS)
    gone = shapes.of_any({**message, "event": "thread.deleted"}, PATHS)

    assert made.external_id == "9"
    assert made.fields == {"title": "Why?", "body": "5", "visible": True}
    assert gone.fields["visible"] is False


@pytest.mark.parametrize("message", [{}, [], {"thread": {"id": None}}, "text", 4])
def test_a_declared_message_needs_an_id(message: Any) -> None:
    with pytest.raises(UnreadableMessageError):
        shapes.of_any(message, PATHS)


@pytest.mark.parametrize(
    "paths", [{"id": "$.id"}, {"id": "$.id", "title": "$.["}, {**PATHS, "colour": "$.c"}]
)
def test_paths_that_cannot_be_are_refused(paths: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError):
        shapes.check_paths(paths)
