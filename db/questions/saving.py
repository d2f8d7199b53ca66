"""Queries that save questions: many at once, or one with its answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, RowMapping, func, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.errors import TransientError
from db.questions import questions
from db.questions.rows import Answer, NewQuestion, Outcome, QuestionRow, Saved, State
from db.tables.questions import Embedding, Question
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
)
_DERIVED = ("text_digest", "content_digest", "foreign_share")
_IDS = (Question.external_id, Question.id)
_Stored = Row[str, int, bytes, bytes, str, bool]


def save(
    session: Session, forum: ForumRow, items: Sequence[NewQuestion], *, lane: Lane
) -> list[Saved]:
    """Create or edit the questions and owe work on those whose text is new or is shown again.

    *items* must not contain an id twice; the results are in their order. Saving the same again
    changes nothing.
    """
    if not items:
        return []
    rows = _insert_new(session, forum.id, items, _IDS)
    return _settle(session, forum, items, {name: row["id"] for name, row in rows.items()}, lane)


def put(
    session: Session, forum: ForumRow, item: NewQuestion, *, lane: Lane
) -> tuple[Saved, Answer]:
    """Save one question like `save`, and return it with its present state and duplicates."""
    rows = _insert_new(session, forum.id, [item], questions.COLUMNS)
    created = {name: row["id"] for name, row in rows.items()}
    (saved,) = _settle(session, forum, [item], created, lane)
    if saved.outcome is Outcome.CREATED:
        return saved, Answer(question=_fresh(rows[item.external_id]), duplicates=())
    return saved, questions.answer(session, forum.id, item.external_id)


def _fresh(row: RowMapping) -> QuestionRow:
    return QuestionRow(
        **row, bi_encoder=None, reranker=None, state=State.PENDING, error=None, attempts=0
    )


def _settle(
    session: Session,
    forum: ForumRow,
    items: Sequence[NewQuestion],
    created: Mapping[str, int],
    lane: Lane,
) -> list[Saved]:
    known = _lock_existing(session, forum.id, [i for i in items if i.external_id not in created])
    saved = [_save_one(session, item, created, known) for item in items]
    jobs.put(
        session,
        [(done.id, item.tokens) for item, done in zip(items, saved, strict=True) if done.owes_work],
        forum_id=forum.id,
        lane=lane,
    )
    return saved


def _values(item: NewQuestion) -> dict[str, object]:
    values = {name: getattr(item, name) for name in (*_CONTENT, *_DERIVED)}
    return values | {"facts": item.facts.stored()}


def _insert_new(
    session: Session,
    forum_id: int,
    items: Sequence[NewQuestion],
    columns: Sequence[InstrumentedAttribute[Any]],
) -> dict[str, RowMapping]:
    # Sorted, so that two batches with common ids cannot deadlock.
    ordered = sorted(items, key=lambda item: item.external_id)
    rows = [{"forum_id": forum_id, "external_id": i.external_id, **_values(i)} for i in ordered]
    statement = (
        postgresql.insert(Question.__table__)  # type: ignore[arg-type]
        .on_conflict_do_nothing(index_elements=["forum_id", "external_id"])
        .returning(*columns)
    )
    found = session.connection().execute(statement, rows).mappings()
    return {row["external_id"]: row for row in found}


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
            Question.visible,
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
    outcome = _outcome(item, row)
    if outcome is not Outcome.UNCHANGED:
        _edit(session, row.id, item, text_changed=outcome is Outcome.CHANGED)
    # Nobody could find it while it was hidden: what is like it may have passed it by.
    is_shown_again = item.visible and not row.visible
    return _saved(item, row.id, outcome, owes_work=is_shown_again or outcome is Outcome.CHANGED)


def _saved(item: NewQuestion, question_id: int, outcome: Outcome, *, owes_work: bool) -> Saved:
    return Saved(id=question_id, external_id=item.external_id, outcome=outcome, owes_work=owes_work)


def _outcome(item: NewQuestion, row: _Stored) -> Outcome:
    if bytes(row.content_digest) == item.content_digest and row.text_fields == item.text_fields:
        return Outcome.UNCHANGED
    if bytes(row.text_digest) == item.text_digest and row.text_fields == item.text_fields:
        return Outcome.UPDATED
    return Outcome.CHANGED


def _edit(session: Session, question_id: int, item: NewQuestion, *, text_changed: bool) -> None:
    session.execute(
        update(Question)
        .where(Question.id == question_id)
        .values(
            **_values(item),
            updated_at=func.clock_timestamp(),
            text_version=Question.text_version + int(text_changed),
        )
    )
    # A hidden question must leave the search at once, not when a worker checks it.
    session.execute(
        update(Embedding).where(Embedding.question_id == question_id).values(visible=item.visible)
    )
