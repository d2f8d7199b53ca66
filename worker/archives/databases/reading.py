"""Reads the questions of a forum's database page by page, in short read-only transactions.

A page begins after the last number of the page before, so nothing is read twice and nothing is
locked. A lost connection is opened again.
"""

import html
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from db.questions.rows import NO_FACTS, Facts
from worker.archives.databases.addresses import Address
from worker.archives.databases.connecting import Connection, LostError, connect
from worker.archives.databases.queries import Query
from worker.archives.readers.meaning.columns import Columns
from worker.archives.readers.meaning.shapes import Database, Known, Shape
from worker.archives.readers.records import (
    Hidden,
    Peeked,
    Record,
    Reject,
    SourceQuestion,
    UnreadableArchiveError,
)
from worker.text.intake import BODY_LENGTH, TITLE_LENGTH, facts_of, label_of, url_of
from worker.text.normal import clean

PAGE = 2_000
_ATTEMPTS = 4
_PAUSE_S = 1.0
_BBCODE = re.compile(r"\[/?[a-zA-Z*]{1,12}(?:[=:][^\[\]]{0,500})?\]")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_LABEL = 200


class DatabaseArchive(Peeked):
    """The questions of a forum's database; like those of an archive they can be read once."""

    encoding = "utf-8"
    size = None
    bytes_read = 0

    def __init__(
        self,
        pages: Iterator[Mapping[str, Any]],
        shape: Shape,
        *,
        base_url: str,
        fields: Mapping[str, str],
    ) -> None:
        self.form = shape.name
        self.columns = Columns(dict(fields))
        self.passed_over: dict[str, int] = {}
        self._shape = shape
        self._base_url = base_url
        self._pieces = map(self._record, pages)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _record(self, row: Mapping[str, Any]) -> Record:
        number = int(row["id"])
        if row["hidden"]:
            return Hidden(number, str(row["hidden"]), str(number))
        title = _text(row.get("title"))
        if self._shape.is_escaped:
            title = html.unescape(title)
        if not title.strip():
            return Reject(number, "the question is empty")
        url = self._shape.url.format(id=number)
        return SourceQuestion(
            str(number),
            " ".join(clean(title).split())[:TITLE_LENGTH],
            _body(_text(row.get("body"))),
            _tried(url_of, f"{self._base_url.rstrip('/')}/{url}") if self._base_url else None,
            _tried(label_of, _text(row.get("category"))[:_LABEL]),
            _tried(label_of, _text(row.get("author"))[:_LABEL]),
            _moment(row.get("asked_at")),
            facts=_facts(row),
            updated_at=_moment(row.get("updated_at")),
            line=number,
        )


def open_database(
    address: Address,
    *,
    shape: str,
    prefix: str | None = None,
    base_url: str = "",
    since: datetime | None = None,
) -> DatabaseArchive:
    """Return the questions at *address*; with *since* only those changed since that moment.

    Raises `UnreadableArchiveError` if the database cannot be reached or does not have this *shape*.
    """
    wanted, database = _shape(shape, address)
    chosen = database.prefix if prefix is None else prefix
    if not re.fullmatch(r"\w{0,40}", chosen):
        raise UnreadableArchiveError("a prefix of tables is made of letters, digits and _")
    connection = connect(address)
    try:
        query = Query(wanted, database, connection.columns(chosen))
        _check(query, chosen, address)
        page = query.page(chosen, is_since=since is not None, limit=PAGE)
    except BaseException:
        connection.close()
        raise
    moment = since if since is None or not database.has_epochs else int(since.timestamp())
    rows = _rows(address, connection, page, moment)
    return DatabaseArchive(rows, wanted, base_url=base_url, fields=query.fields())


def _shape(name: str, address: Address) -> tuple[Shape, Database]:
    known = Known.all().databases
    shape = known.get(name)
    if shape is None or shape.database is None or shape.database.engine != address.engine:
        of_engine = ", ".join(
            name
            for name, one in known.items()
            if one.database is not None and one.database.engine == address.engine
        )
        raise UnreadableArchiveError(f"say which program's database it is: --as {of_engine}")
    return shape, shape.database


def _check(query: Query, prefix: str, address: Address) -> None:
    if missing := [one for one in query.database.required if one not in query.known]:
        raise UnreadableArchiveError(
            f"{address.shown}: this is not a {query.shape.name} database: there is no column"
            f" {prefix}{missing[0]}; if its tables have another prefix, name it with --table-prefix"
        )


def _rows(
    address: Address, connection: Connection, query: str, since: datetime | int | None
) -> Iterator[Mapping[str, Any]]:
    after, attempt = 0, 0
    try:
        while True:
            try:
                connection = connection.again() if attempt else connection
                page = connection.page(query, after=after, since=since)
            except LostError as error:
                attempt += 1
                if attempt == _ATTEMPTS:
                    raise UnreadableArchiveError(f"{address.shown}: {error}") from error
                time.sleep(_PAUSE_S * attempt)
                continue
            attempt = 0
            yield from page
            if len(page) < PAGE:
                return
            after = int(page[-1]["id"])
    finally:
        connection.close()


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


def _body(text: str) -> str:
    plain = html.unescape(_TAG.sub(" ", _BBCODE.sub(" ", text)))
    return clean(plain)[:BODY_LENGTH]


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    seconds = _number(value)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, OSError, ValueError):
        return None


def _number(value: object) -> int | None:
    try:
        return None if value is None else int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return None


def _flag(value: object) -> bool | None:
    return None if value is None else bool(value)


def _facts(row: Mapping[str, Any]) -> Facts:
    count = {name: _number(row.get(name)) for name in ("answers", "views", "votes")}
    answer = _text(row.get("accepted_answer")) or None
    tags = [tag.strip() for tag in _text(row.get("tags")).split(",") if tag.strip()]
    facts = Facts(
        answers=max(0, count["answers"]) if count["answers"] is not None else None,
        views=max(0, count["views"]) if count["views"] is not None else None,
        votes=count["votes"],
        accepted=True if answer else _flag(row.get("accepted")),
        accepted_answer=answer,
        closed=_flag(row.get("closed")),
        language=_text(row.get("language")) or None,
        tags=tuple(tag[:_LABEL] for tag in tags[:50]),
    )
    return _tried(facts_of, facts) or NO_FACTS


def _tried(check: Any, value: Any) -> Any:
    """Return the checked value, or None: a bad optional field does not reject a question."""
    try:
        return check(value)
    except ValueError:
        return None
