"""Reads the messages of a forum's software: which fields of a question they change. Pure.

Discourse sends a topic without its text; the topic's first post has the text. So a message changes
some fields of a question, and the others stay.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonpath

from db.errors import InvalidInputError
from db.questions.rows import Facts
from worker.text import intake

PATHS = ("id", "title", "body", "deleted", "url", "category", "author", "asked_at")
_REQUIRED = ("id", "title")
_PRIVATE = "private_message"
_GONE = ("topic_destroyed",)
_TEXTS = ("post_created", "post_edited", "post_recovered")
_TOPICS = (
    "topic_created",
    "topic_edited",
    "topic_recovered",
    "topic_destroyed",
    "topic_status_updated",
)


class UnreadableMessageError(InvalidInputError):
    """The message lacks a part that it must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The fields of a question that a message names."""

    external_id: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_part: bool = False
    """Whether the message only adds to a question of another message."""


def of_discourse(
    event: str, message: Any, *, base_url: str | None, categories: Collection[int] = ()
) -> Change | None:
    """Return the change in a webhook's message of Discourse; None if it changes no question."""
    if event in _TOPICS:
        topic = _part(message, "topic")
        return of_topic(topic, event=event, base_url=base_url, categories=categories)
    if event in _TEXTS:
        post = _part(message, "post")
        if post.get("post_number") != 1:
            return None
        if post.get("topic_archetype") == _PRIVATE:
            return None  # the topic's own message says the same
        texts = {"title": post.get("topic_title"), "body": post.get("raw")}
        named = {name: text for name, text in texts.items() if isinstance(text, str)}
        return Change(external_id=_id(post, "topic_id"), fields=named, is_part=True)
    return None


def of_topic(
    topic: Mapping[str, Any],
    *,
    event: str = "",
    base_url: str | None,
    categories: Collection[int] = (),
) -> Change | None:
    """Return the change of a question in a topic of Discourse; None if it is not a question.

    If a topic was made a private message, or moved out of *categories*, its question is hidden, and
    not stored if it is new. Raises `UnreadableMessageError` without an id.
    """
    number = _id(topic, "id")
    category = topic.get("category_id")
    if topic.get("archetype") == _PRIVATE or (categories and category not in categories):
        return _hidden(number)
    if topic.get("archetype", "regular") != "regular":
        return None
    is_gone = event in _GONE or topic.get("deleted_at") is not None
    fields: dict[str, Any] = {
        "title": topic.get("title"),
        "asked_at": intake.parse_instant(topic.get("created_at")),
        "visible": not is_gone and topic.get("visible") is not False,
        "facts": _facts(topic),
    }
    if base_url is not None:
        fields["url"] = f"{base_url.rstrip('/')}/t/{topic.get('slug') or '-'}/{number}"
    if isinstance(category, int):
        fields["category"] = str(category)
    author = topic.get("created_by")
    if isinstance(author, Mapping) and isinstance(author.get("username"), str):
        fields["author"] = author["username"]
    return Change(external_id=number, fields=fields)


def _hidden(external_id: str) -> Change:
    return Change(external_id=external_id, fields={"visible": False})


def _facts(topic: Mapping[str, Any]) -> Facts:
    posts, accepted = topic.get("posts_count"), topic.get("has_accepted_answer")
    return Facts(
        answers=max(0, posts - 1) if isinstance(posts, int) else None,
        accepted=accepted if isinstance(accepted, bool) else None,
        views=topic["views"] if isinstance(topic.get("views"), int) else None,
        votes=topic["like_count"] if isinstance(topic.get("like_count"), int) else None,
        tags=tags_of(topic),
        closed=topic["closed"] if isinstance(topic.get("closed"), bool) else None,
    )


def tags_of(topic: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a topic's tags; newer versions of Discourse send objects with names."""
    given = topic.get("tags")
    found = given if isinstance(given, list) else []
    names = [one.get("name") if isinstance(one, Mapping) else one for one in found]
    return tuple(name for name in names if isinstance(name, str))


def _part(message: Any, name: str) -> Mapping[str, Any]:
    part = message.get(name) if isinstance(message, Mapping) else None
    if not isinstance(part, Mapping):
        raise UnreadableMessageError(f"the message has no {name!r}")
    return part


def _id(part: Mapping[str, Any], name: str) -> str:
    number = part.get(name)
    if not isinstance(number, int) or isinstance(number, bool):
        raise UnreadableMessageError(f"the message has no number {name!r}")
    return str(number)


def check_paths(paths: Mapping[str, str]) -> None:
    """Raise `InvalidInputError` unless these are JSONPaths of known fields, with id and title."""
    if set(paths) - set(PATHS) or not set(_REQUIRED) <= set(paths):
        raise InvalidInputError(f"name the paths of id and title, and of {', '.join(PATHS[2:])}")
    for name, path in paths.items():
        try:
            jsonpath.compile(path)
        except jsonpath.JSONPathError as error:
            raise InvalidInputError(f"the path of {name} is not a JSONPath: {error}") from error


def of_any(message: Any, paths: Mapping[str, str]) -> Change:
    """Return the change in *message*, by the forum's own JSONPaths; *paths* has one for each field.

    Raises `UnreadableMessageError` if there is no id.
    """
    found = {name: _first(message, path) for name, path in paths.items()}
    named = found.pop("id")
    if not isinstance(named, str | int) or isinstance(named, bool):
        raise UnreadableMessageError(f"there is no id at {paths['id']}")
    fields: dict[str, Any] = {"visible": not found.pop("deleted", None)}
    for name, value in found.items():
        if name == "asked_at" and value is not None:
            fields[name] = intake.parse_instant(value)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            fields[name] = str(value)
    return Change(external_id=str(named), fields=fields)


def _first(message: Any, path: str) -> Any:
    if not isinstance(message, Mapping | list):
        raise UnreadableMessageError("the message is neither an object nor a list")
    found = jsonpath.compile(path).findall(message)
    return found[0] if found else None
