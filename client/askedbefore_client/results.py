"""Questions to send, and the results of calls. Unknown fields of a newer service are ignored."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from askedbefore_client.errors import FieldProblem, field_problem

Json = Mapping[str, Any]
_MOMENTS = ("flagged_at", "decided_at", "updated_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as its forum sends it. Times need a time zone.

    If *version* or *updated_at* is older than what the service has stored, the call is refused.
    """

    id: str
    title: str
    body: str = ""
    url: str | None = None
    category: str | None = None
    author: str | None = None
    asked_at: datetime | None = None
    visible: bool = True
    answers: int | None = None
    accepted: bool | None = None
    views: int | None = None
    votes: int | None = None
    tags: tuple[str, ...] | None = None
    closed: bool | None = None
    language: str | None = None
    updated_at: datetime | None = None
    version: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the fields that have a value, as JSON values of the API."""
        values = {one.name: _plain(getattr(self, one.name)) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


class _Read:
    """Base of the results: made from the known fields of an answer."""

    __slots__ = ()

    @classmethod
    def read(cls, raw: Json, **given: object) -> Self:
        """Return a result from the JSON of an answer. *given* values replace those of the JSON."""
        names = {one.name for one in fields(cls)}  # type: ignore[arg-type]  # a dataclass below
        known = {name: value for name, value in raw.items() if name in names}
        return cls(**{**known, **given})


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(_Read):
    """Another question that asks the same; *score* is the probability of this, from 0 to 1."""

    id: str
    title: str
    score: float
    kind: str
    url: str | None = None
    cosine: float | None = None
    status: str | None = None
    pair_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(_Read):
    """A stored question. Its duplicates are known when *state* is ``done``."""

    id: str
    state: str
    title: str
    body: str = ""
    url: str | None = None
    category: str | None = None
    author: str | None = None
    visible: bool = True
    duplicates: tuple[Duplicate, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(_Read):
    """The answer to a check; `Client.outcome` takes its *check_id*."""

    duplicates: tuple[Duplicate, ...] = ()
    check_id: str | None = None
    threshold: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem(_Read):
    """The result of one question of a batch: an *outcome*, or *errors* if it was refused."""

    index: int
    id: str | None = None
    outcome: str | None = None
    errors: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairQuestion(_Read):
    """One side of a pair."""

    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(_Read):
    """Two questions that were flagged, observed or decided on."""

    id: str
    kind: str
    status: str
    score: float
    questions: tuple[PairQuestion, ...]
    version: int = 0
    flagged_at: datetime | None = None
    decided_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs(_Read):
    """A page of pairs, and the cursor of the next page."""

    pairs: tuple[Pair, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(_Read):
    """What the forum is to do about a question: ``close``, ``reopen``, ``label``, ``note``."""

    id: str
    kind: str
    question_id: str
    question_url: str | None = None
    canonical_id: str | None = None
    canonical_url: str | None = None
    pair_id: str | None = None
    reason: str | None = None
    due_at: datetime | None = None
    state: str | None = None
    objection_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions(_Read):
    """A page of actions; *next* is the cursor of the next page."""

    actions: tuple[Action, ...]
    next: str | None = None


def stored(raw: Json) -> Stored:
    """Return a stored question."""
    return Stored.read(raw, **_found(raw))


def checked(raw: Json) -> Checked:
    """Return the answer to a check."""
    return Checked.read(raw, **_found(raw), **_text(raw, "check_id"))


def batch_item(raw: Json, *, first: int) -> BatchItem:
    """Return one result, whose index counts from *first*."""
    errors = tuple(map(field_problem, raw["errors"]))
    return BatchItem.read(raw, index=first + int(raw["index"]), errors=errors)


def pairs(raw: Json) -> Pairs:
    """Return a page of pairs."""
    return Pairs.read(raw, pairs=tuple(map(_pair, raw["pairs"])))


def actions(raw: Json) -> Actions:
    """Return a page of actions."""
    return Actions.read(raw, actions=tuple(map(_action, raw["actions"])), **_text(raw, "next"))


def _found(raw: Json) -> dict[str, Any]:
    return {
        "duplicates": tuple(map(Duplicate.read, raw.get("duplicates", ()))),
        "warnings": tuple(raw.get("warnings", ())),
    }


def _pair(raw: Json) -> Pair:
    times = {name: _moment(raw.get(name)) for name in _MOMENTS}
    return Pair.read(raw, questions=tuple(map(PairQuestion.read, raw["questions"])), **times)


def _action(raw: Json) -> Action:
    return Action.read(raw, due_at=_moment(raw.get("due_at")), **_text(raw, "id", "pair_id"))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _text(raw: Json, *names: str) -> dict[str, str | None]:
    """Return ids and cursors as text; the service may write them as numbers."""
    return {name: None if raw.get(name) is None else str(raw[name]) for name in names}
