"""Reads the facts of a question beside its text: answers, votes, tags and the like."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from db.questions.rows import NO_FACTS, Facts
from worker.archives.readers.values.conditions import NO, NULLS, YES
from worker.archives.readers.values.texts import Optionals, ValueUnusableError, raw_text
from worker.text.intake import TAGS, count_of, label_of, language_of, tags_of, votes_of

FACTS = (
    "answers", "accepted", "accepted_answer", "views", "votes", "tags", "closed", "language",
)  # fmt: skip
_MARKS = re.compile(r"[<>|,;]+")
_LISTED = re.compile(r"\s*(?:\[(.*)\]|\{(.*)\})\s*", re.DOTALL)
"""A list as Python, JSON or PostgreSQL writes it into a text."""
_NUMBER = re.compile(r"-?\d+(?:[.,]0+)?")
_THOUSANDS = re.compile(r"-?\d{1,3}([,' \u00a0\u202f])\d{3}(?:\1\d{3})*")


def facts_of_row(values: Mapping[str, Any], found: Optionals) -> Facts:
    """Return the facts in *values*, by the names of `FACTS`.

    Values that cannot be used are dropped, and recorded in *found*.
    """
    facts: dict[str, Any] = {}
    for name, value in values.items():
        if value is None or value == "" or (isinstance(value, str) and value.lower() in NULLS):
            continue
        try:
            facts[name] = _READ[name](value)
        except (ValueError, TypeError, OverflowError) as error:
            found.drop(name, f"it {error}", value)
    if facts.get("accepted_answer") in {None, "0"}:
        facts.pop("accepted_answer", None)
    return Facts(**facts) if any(value not in (None, ()) for value in facts.values()) else NO_FACTS


def _number(value: object) -> int:
    if isinstance(value, Mapping):  # GraphQL's ``{"nodes": [...]}``
        value = next((one for one in value.values() if isinstance(one, list)), value)
    if isinstance(value, (list, tuple)):
        return len(value)
    text = raw_text(value).strip()
    if _THOUSANDS.fullmatch(text):
        text = re.sub(r"[,' \u00a0\u202f]", "", text)
    if not _NUMBER.fullmatch(text):
        raise ValueUnusableError("is no number")
    return int(re.split("[.,]", text)[0])


def _is_so(value: object) -> bool:
    """Return a yes or no; a date, or a reason such as one for closing, means yes."""
    if isinstance(value, bool):
        return value
    text = raw_text(value).strip().lower()
    if text in NO or text.startswith("0000-00-00"):
        return False
    if text in YES or len(text) > 1:
        return True
    raise ValueUnusableError("is neither yes nor no")


def _tags(value: object) -> tuple[str, ...]:
    if isinstance(value, str) and (listed := _LISTED.fullmatch(value)):
        inner = listed[1] if listed[1] is not None else listed[2]
        value = [part.strip(" '\"") for part in inner.split(",")]
    parts = value if isinstance(value, list) else _MARKS.split(raw_text(value))
    return tags_of([raw_text(part) for part in parts][:TAGS])


_READ: Mapping[str, Callable[[Any], Any]] = {
    "answers": lambda value: count_of(_number(value)),
    "accepted": _is_so,
    "accepted_answer": lambda value: label_of(raw_text(value)),
    "views": lambda value: count_of(_number(value)),
    "votes": lambda value: votes_of(_number(value)),
    "tags": _tags,
    "closed": _is_so,
    "language": lambda value: language_of(raw_text(value)),
}
