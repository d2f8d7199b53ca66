"""Queries that save questions: many at once, or a few with their answers."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from db.actions import actions, vetoes
from db.arrays import array_of
from db.engine import run_alone
from db.errors import QuestionOutdatedError, TransientError
from db.questions import erasures, questions
from db.questions.authors import as_kept
from db.questions.erasures import is_older
from db.questions.rows import Answer, NewQuestion, Outcome, QuestionRow, Saved, State
from db.tables.questions import Embedding, Job, Question
from db.tenants.rows import ForumRow
from db.work import jobs
from db.work.rows import Lane

_CONTENT = (
    "title",
    "body",
    "url",
    "category",
    "author",
    "asked_at",
    "visible",
    "edited_at",
    "revision",
    "text_fields",
    "read_title",
    "read_body",
)
_DERIVED = ("text_digest", "content_digest", "foreign_share")
_STORED = ("external_id", *_CONTENT, "facts", *_DERIVED)
_SHOWN = tuple(name for name in QuestionRow.__dataclass_fields__ if name in {*_STORED} - {"facts"})
"""Columns that are returned as they were sent."""
_GIVEN = attrgetter(*_STORED, "tokens")
_COLUMNS = {column.key: column for column in (*Question.__table__.columns, Job.__table__.c.tokens)}
_POSTGRES = postgresql.dialect()  # type: ignore[no-untyped-call]
_ARRAYS = ", ".join(
    f"%({name})s::{_COLUMNS[name].type.compile(_POSTGRES)}[]" for name in (*_STORED, "tokens")
)
_CREATE_MANY = f"""
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest({_ARRAYS}) AS given ({", ".join(_STORED)}, tokens)
    ), new AS (
        INSERT INTO questions (forum_id, {", ".join(_STORED)})
        SELECT %(forum_id)s, {", ".join(_STORED)} FROM given
        ON CONFLICT (forum_id, external_id) DO NOTHING
        RETURNING id, external_id
    ), owed AS (
        INSERT INTO jobs (question_id, forum_id, lane, tokens)
        SELECT new.id, %(forum_id)s, %(lane)s, given.tokens
        FROM new JOIN given ON given.external_id = new.external_id
    )
    SELECT external_id, id FROM new
"""  # noqa: S608  # made of the names above
"""Stores the new questions and a job for each, in one statement."""


class _New(NamedTuple):
    """What the database has set of a new question."""

    id: int
    external_id: str
    text_version: int
    created_at: datetime
    updated_at: datetime


_Stored = Row[
    str, int, bytes, bytes, str, str | None, str | None, bool, datetime | None, int | None
]


def save(
    session: Session, forum: ForumRow, items: Sequence[NewQuestion], *, lane: Lane
) -> list[Saved]:
    """Create or edit the questions, with a job for each that has a new text or is visible again.

    *items* must not contain an id twice; the results are in their order. Saving the same again
    changes nothing. An older version than the stored one, or than one that was erased, is left out.
    """
    return _settle_all(session, forum, [_store(session, forum, _part(forum, items), lane)], lane)


def save_in_parts(
    session: Session, forum: ForumRow, parts: Iterable[Sequence[NewQuestion]], *, lane: Lane
) -> list[Saved]:
    """Save the questions of all parts like `save`; while one is stored, the next one is made.

    Each part must have larger ids than the one before, so that two calls cannot deadlock.
    """
    stored: list[_Part] = []
    storing: Future[_Part] | None = None
    with ThreadPoolExecutor(1, "save_in_parts") as beside:  # waits for Postgres
        for part in (_part(forum, items) for items in parts):
            if storing is not None:
                stored.append(storing.result())
            storing = beside.submit(_store, session, forum, part, lane)
        if storing is not None:
            stored.append(storing.result())
    return _settle_all(session, forum, stored, lane)


class _Part(NamedTuple):
    """Questions that are stored with one statement."""

    items: Sequence[NewQuestion]
    """As the forum keeps them."""
    given: Mapping[str, str | None]
    """The same as columns, by their names."""
    gone: Collection[str] = ()
    """The ids that were erased after the versions of the items."""
    created: Mapping[str, int] = {}


def _part(forum: ForumRow, items: Sequence[NewQuestion]) -> _Part:
    kept = as_kept(forum, items)
    return _Part(kept, _columns(kept) if kept else {})


def _store(session: Session, forum: ForumRow, part: _Part, lane: Lane) -> _Part:
    gone = erasures.newer(session, forum.id, part.items)
    left = [item for item in part.items if item.external_id not in gone]
    if not left:
        return part._replace(gone=gone)
    given: dict[str, Any] = {
        **(_columns(left) if gone else part.given),
        "forum_id": forum.id,
        "lane": str(lane),
    }
    rows = session.connection().exec_driver_sql(_CREATE_MANY, given)
    return part._replace(gone=gone, created={row.external_id: row.id for row in rows})


def _settle_all(
    session: Session, forum: ForumRow, parts: Sequence[_Part], lane: Lane
) -> list[Saved]:
    """Do what is left when all new questions are stored, and return what came of each question."""
    gone = {name for part in parts for name in part.gone}
    created = {name: found for part in parts for name, found in part.created.items()}
    sent = [item for part in parts for item in part.items]
    left = [item for item in sent if item.external_id not in gone]
    saved = {one.external_id: one for one in _settle(session, forum, left, created, lane)}
    return [saved.get(item.external_id) or _outdated(item.external_id) for item in sent]


def put(
    session: Session, forum: ForumRow, item: NewQuestion, *, lane: Lane
) -> tuple[Saved, Answer]:
    """Save one question like `save`, and return it with its present state and duplicates.

    Raises `QuestionOutdatedError`.
    """
    (done,) = create(session, forum, [item], lane=lane)
    return done or edit(session, forum, item, lane=lane)


def create(
    session: Session, forum: ForumRow, items: Sequence[NewQuestion], *, lane: Lane
) -> list[tuple[Saved, Answer] | None]:
    """Save those of a few questions that are new with one statement, and return each of them.

    None for the others, which `put` tells apart: known ids, ids that come twice, older versions. It
    needs no transaction of several statements. If somebody else is storing one of several, it gives
    up after a moment, so that the others do not wait.
    """
    gone = erasures.newer(session, forum.id, items)
    kept = as_kept(forum, items)
    places: dict[str, int] = {}
    for place, item in enumerate(kept):
        if item.external_id not in gone:
            places.setdefault(item.external_id, place)
    done: list[tuple[Saved, Answer] | None] = [None] * len(items)
    for row in _create_few(session, forum.id, [kept[place] for place in places.values()], lane):
        item = kept[places[row.external_id]]
        saved = _saved(item, row.id, Outcome.CREATED, owes_work=True)
        answer = Answer(question=_fresh(forum.id, item, row), duplicates=())
        done[places[row.external_id]] = saved, answer
    return done


def _create_few(
    session: Session, forum_id: int, items: Sequence[NewQuestion], lane: Lane
) -> Sequence[_New]:
    """Return the new ones of *items*."""
    if not items:
        return ()
    given: dict[str, Any] = {"forum_id": forum_id, "lane": str(lane)}
    # Sorted, so that two calls with common ids cannot deadlock.
    for place, item in enumerate(sorted(items, key=lambda item: item.external_id)):
        facts = item.facts.stored()
        values = dict(zip((*_STORED, "tokens"), _GIVEN(item), strict=True))
        values["facts"] = facts and json.dumps(facts)
        given |= {f"{name}{place}": value for name, value in values.items()}
    return [_New(*row) for row in run_alone(session, _statement_for(len(items)), given)]


@cache
def _statement_for(count: int) -> str:
    """Return the statement that stores *count* new questions and a job for each.

    A few take a third of the time to plan and send that `_CREATE_MANY` takes.
    """
    rows = [[f"%({name}{place})s" for name in (*_STORED, "tokens")] for place in range(count)]
    new = ", ".join(f"(%(forum_id)s, {', '.join(row[:-1])})" for row in rows)
    tokens = ", ".join(f"({row[0]}, {row[-1]})" for row in rows)
    limit = "SET LOCAL lock_timeout = '100ms';" if count > 1 else ""
    return f"""{limit}
        WITH given (external_id, tokens) AS (VALUES {tokens}), new AS (
            INSERT INTO questions (forum_id, {", ".join(_STORED)}) VALUES {new}
            ON CONFLICT (forum_id, external_id) DO NOTHING
            RETURNING id, external_id, text_version, created_at, updated_at
        ), owed AS (
            INSERT INTO jobs (question_id, forum_id, lane, tokens)
            SELECT new.id, %(forum_id)s, %(lane)s, given.tokens
            FROM new JOIN given USING (external_id)
        )
        SELECT id, external_id, text_version, created_at, updated_at FROM new
    """  # noqa: S608  # made of the names above


def edit(
    session: Session, forum: ForumRow, item: NewQuestion, *, lane: Lane
) -> tuple[Saved, Answer]:
    """Save one question that is stored already like `put`; raises `QuestionOutdatedError`."""
    if erasures.newer(session, forum.id, [item]):
        raise QuestionOutdatedError
    (item,) = as_kept(forum, [item])
    (saved,) = _settle(session, forum, [item], {}, lane)
    if saved.outcome is Outcome.OLDER:
        raise QuestionOutdatedError
    return saved, questions.answer(session, forum.id, item.external_id)


def _fresh(forum_id: int, item: NewQuestion, row: _New) -> QuestionRow:
    return QuestionRow(
        id=row.id,
        forum_id=forum_id,
        **{name: getattr(item, name) for name in _SHOWN},
        facts=item.facts.stored(),
        text_version=row.text_version,
        threshold=None,
        bi_encoder=None,
        reranker=None,
        checked_at=None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        state=State.PENDING,
        error=None,
        attempts=0,
    )


def _settle(
    session: Session,
    forum: ForumRow,
    items: Sequence[NewQuestion],
    created: Mapping[str, int],
    lane: Lane,
) -> list[Saved]:
    stood = [item for item in items if item.external_id not in created]
    known = _lock_existing(session, forum.id, stood) if stood else {}
    saved = [_save_one(session, item, created, known) for item in items]
    owed = [
        (done.id, item.tokens)
        for item, done in zip(items, saved, strict=True)
        if done.owes_work and done.outcome is not Outcome.CREATED
    ]
    jobs.put(session, owed, forum_id=forum.id, lane=lane)
    return saved


def _values(item: NewQuestion) -> dict[str, object]:
    values = {name: getattr(item, name) for name in (*_CONTENT, *_DERIVED)}
    return values | {"facts": item.facts.stored()}


def _columns(items: Sequence[NewQuestion]) -> dict[str, str | None]:
    """Return the columns of *items* as arrays, None for those without any value."""
    # Sorted, so that two batches with common ids cannot deadlock.
    ordered = sorted(items, key=lambda item: item.external_id)
    columns = zip(*map(_GIVEN, ordered), strict=True)
    given: dict[str, Sequence[object]] = dict(zip((*_STORED, "tokens"), columns, strict=True))
    facts = [item.facts.stored() for item in ordered]
    given["facts"] = [None if one is None else json.dumps(one) for one in facts]
    # A missing column is filled up with nulls, and takes no time.
    return {
        name: None if column.count(None) == len(column) else array_of(column)
        for name, column in given.items()
    }


def _lock_existing(
    session: Session, forum_id: int, items: Sequence[NewQuestion]
) -> dict[str, _Stored]:
    found = session.execute(
        select(
            Question.external_id,
            Question.id,
            Question.content_digest,
            Question.text_digest,
            Question.text_fields,
            Question.read_title,
            Question.read_body,
            Question.visible,
            Question.edited_at,
            Question.revision,
        )
        .where(
            Question.forum_id == forum_id,
            Question.external_id.in_([item.external_id for item in items]),
        )
        .order_by(Question.id)
        .with_for_update(key_share=True)
    )
    return {row.external_id: row for row in found}


def _save_one(
    session: Session,
    item: NewQuestion,
    created: Mapping[str, int],
    known: Mapping[str, _Stored],
) -> Saved:
    if item.external_id in created:
        return _saved(item, created[item.external_id], Outcome.CREATED, owes_work=True)
    row = known.get(item.external_id)
    if row is None:  # erased between the two statements
        raise TransientError("the question was erased while it was being saved: send it again")
    if is_older(item, edited_at=row.edited_at, revision=row.revision):
        return _saved(item, row.id, Outcome.OLDER, owes_work=False)
    outcome = _outcome(item, row)
    if outcome is not Outcome.UNCHANGED:
        _edit(session, row.id, item, text_changed=outcome is Outcome.CHANGED)
    if outcome is Outcome.CHANGED:
        vetoes.put_on_edit(session, row.id)
    if item.visible != row.visible:
        actions.note_group(session, row.id)
    # While it was hidden, no check could find it: questions like it may have been checked
    # meanwhile.
    is_shown_again = item.visible and not row.visible
    is_read_anew = outcome is Outcome.CHANGED or bytes(row.text_digest) != item.text_digest
    return _saved(item, row.id, outcome, owes_work=is_shown_again or is_read_anew)


def _saved(item: NewQuestion, question_id: int, outcome: Outcome, *, owes_work: bool) -> Saved:
    return Saved(id=question_id, external_id=item.external_id, outcome=outcome, owes_work=owes_work)


def _outdated(external_id: str) -> Saved:
    return Saved(id=0, external_id=external_id, outcome=Outcome.OLDER, owes_work=False)


def _outcome(item: NewQuestion, row: _Stored) -> Outcome:
    is_read_alike = row.text_fields == item.text_fields
    if bytes(row.content_digest) == item.content_digest and is_read_alike:
        # A later version of the service may compute another digest of the same text: decisions
        # stay. They also stay if a forum now says that some part of a text does not count.
        is_same = bytes(row.text_digest) == item.text_digest and (
            (row.read_title, row.read_body) == (item.read_title, item.read_body)
        )
        return Outcome.UNCHANGED if is_same else Outcome.UPDATED
    if bytes(row.text_digest) == item.text_digest and row.text_fields == item.text_fields:
        return Outcome.UPDATED
    return Outcome.CHANGED


def _kept_versions(values: dict[str, object]) -> dict[str, object]:
    """Leave out versions that were not sent: the stored ones stay, to recognise older ones."""
    unknown = {name for name in ("edited_at", "revision") if values[name] is None}
    return {name: value for name, value in values.items() if name not in unknown}


def _edit(session: Session, question_id: int, item: NewQuestion, *, text_changed: bool) -> None:
    session.execute(
        update(Question)
        .where(Question.id == question_id)
        .values(
            **_kept_versions(_values(item)),
            updated_at=func.clock_timestamp(),
            text_version=Question.text_version + int(text_changed),
        )
    )
    # A hidden question must leave the search at once, not when a worker checks it.
    session.execute(
        update(Embedding)
        .where(Embedding.question_id == question_id, Embedding.visible != item.visible)
        .values(visible=item.visible)
    )
