"""The calls of the API as values: the request, and the function that reads the answer. No I/O."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypedDict, TypeVar
from urllib.parse import quote

from askedbefore_client import results
from askedbefore_client.results import Actions, BatchItem, Checked, Pairs, Question, Stored

T = TypeVar("T")

BATCH_SIZE = 1_000
BATCH_BYTES = 1_900_000
"""Bytes of JSON in one call, below the default limit of the service."""


PAGE = 100
"""Pairs of a page, unless the caller wants more or fewer."""


class PairsQuery(TypedDict, total=False):
    """Which pairs a page has, and in which order; what is left out does not matter."""

    min_score: float | None
    category: str | None
    sort: str | None
    updated_since: datetime | None
    cursor: str | None
    """Where the page begins: `next_cursor` of the page before it."""
    limit: int
    """Pairs of the page, 100 by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One call. *read* turns the JSON of the answer, or None without a body, into the result."""

    method: str
    path: str
    read: Callable[[Any], T]
    json: Any = None
    params: Mapping[str, str | Sequence[str]] | None = None
    is_repeated: bool = True
    """Whether the call may be made again. A check is not: its answer would come too late."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one forum."""

    forum: str

    def submit(self, question: Question, *, wait_s: float = 0) -> Call[Stored]:
        """Return the call that stores a question."""
        body = question.as_json()
        del body["id"]
        params = {"wait": f"{wait_s:g}"} if wait_s else None
        path = self._question(question.id)
        return Call(method="PUT", path=path, json=body, params=params, read=results.stored)

    def get(self, question_id: str) -> Call[Stored]:
        """Return the call that reads a question."""
        return Call(method="GET", path=self._question(question_id), read=results.stored)

    def delete(self, question_id: str) -> Call[None]:
        """Return the call that erases a question."""
        return Call(method="DELETE", path=self._question(question_id), read=_nothing)

    def batches(self, questions: Iterable[Question]) -> Iterator[Call[list[BatchItem]]]:
        """Return calls that store the questions, each within the limits of the service."""
        first = 0
        for chunk in chunks(questions):
            body = {"questions": [question.as_json() for question in chunk]}
            read = partial(_batch_items, first=first)
            yield Call(method="POST", path=self._path("questions:batch"), json=body, read=read)
            first += len(chunk)

    def check(self, title: str, body: str = "") -> Call[Checked]:
        """Return the call that checks a text that is not stored."""
        sent = {"title": title, **({"body": body} if body else {})}
        path = self._path("check")
        return Call(method="POST", path=path, json=sent, read=results.checked, is_repeated=False)

    def outcome(self, check_id: str, outcome: str, **ids: str | None) -> Call[None]:
        """Return the call that reports what an asker did about a suggestion."""
        sent = {"check_id": check_id, "outcome": outcome, **_set(ids)}
        return Call(method="POST", path=self._path("outcomes"), json=sent, read=_nothing)

    def pairs(self, statuses: Sequence[str], wanted: PairsQuery) -> Call[Pairs]:
        """Return the call that reads a page of pairs."""
        where = {**wanted, "limit": wanted.get("limit", PAGE)}
        params = {name: _written(value) for name, value in _set(where).items()}
        query = {**params, **({"status": list(statuses)} if statuses else {})}
        return Call(method="GET", path=self._path("pairs"), params=query, read=results.pairs)

    def actions(self, *, after: str | None, state: str, limit: int) -> Call[Actions]:
        """Return the call that reads a page of actions."""
        params = {"state": state, "limit": str(limit), **_set({"after": after})}
        return Call(method="GET", path=self._path("actions"), params=params, read=results.actions)

    def confirm(self, action_id: str, state: str, reason: str | None) -> Call[None]:
        """Return the call that reports whether an action was carried out."""
        path = self._path("actions", action_id)
        sent = {"state": state, **_set({"reason": reason})}
        return Call(method="POST", path=path, json=sent, read=_nothing)

    def _question(self, question_id: str) -> str:
        return self._path("questions", question_id)

    def _path(self, *parts: str) -> str:
        ends = "/".join(quote(part, safe=":") for part in parts)
        return f"/v1/forums/{quote(self.forum, safe='')}/{ends}"


def chunks(
    questions: Iterable[Question], *, size: int = BATCH_SIZE, size_bytes: int = BATCH_BYTES
) -> Iterator[list[Question]]:
    """Split questions into a list for each call; one question above the limit is alone."""
    chunk: list[Question] = []
    total = 0
    for question in questions:
        length = len(json.dumps(question.as_json()).encode())
        if chunk and (len(chunk) == size or total + length > size_bytes):
            yield chunk
            chunk, total = [], 0
        chunk.append(question)
        total += length
    if chunk:
        yield chunk


def _batch_items(raw: Any, *, first: int) -> list[BatchItem]:
    return [results.batch_item(item, first=first) for item in raw["items"]]


def _nothing(raw: Any) -> None:  # noqa: ARG001  # nothing is read
    return None


def _written(value: float | str | datetime) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
