"""Queries on questions: saved in sets, read one by one, erased for good."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Row, Select, and_, case, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, aliased

from db.errors import QuestionNotFoundError, TransientError
from db.groups import groups
from db.outbox import events
from db.questions.rows import CandidateText, NewQuestion, Outcome, QuestionRow, Saved, State
from db.rows import UNDECIDED, Provenance
from db.tables.archives import Archive
from db.tables.pairs import Event, Pair
from db.tables.questions import Embedding, Job, Model, Question
from db.tenants.rows import ForumRow
from db.work import jobs
from db.work.rows import Lane

_CONTENT = ("title", "body", "url", "category", "author", "asked_at", "visible", "text_fields")
_Stored = Row[str, int, bytes, bytes, str]
_DERIVED = ("text_digest", "content_digest", "foreign_share")
_CANCELLED = "its archive was cancelled before this question was checked: import it again"
_SET_ASIDE = "work on its archive kept failing at this question: import it again"


def save(
    session: Session, forum: ForumRow, items: Sequence[NewQuestion], *, lane: Lane
) -> list[Saved]:
    """Create or edit the questions and owe work on those whose text is new.

    *items* must not name an id twice; the answers come in their order. Saving the same again
    changes nothing.
    """
    if not items:
        return []
    created = _insert_new(session, forum.id, items)
    known = _lock_existing(session, forum.id, [i for i in items if i.external_id not in created])
    saved = [_save_one(session, item, created, known) for item in items]
    owed = {Outcome.CREATED, Outcome.CHANGED}
    jobs.put(
        session,
        [
            (done.id, item.tokens)
            for item, done in zip(items, saved, strict=True)
            if done.outcome in owed
        ],
        forum_id=forum.id,
        lane=lane,
    )
    return saved


def _values(item: NewQuestion) -> dict[str, object]:
    return {name: getattr(item, name) for name in (*_CONTENT, *_DERIVED)}


def _insert_new(session: Session, forum_id: int, items: Sequence[NewQuestion]) -> dict[str, int]:
    # Sorted, so that two batches with common ids wait for each other in one order only.
    ordered = sorted(items, key=lambda item: item.external_id)
    rows = [{"forum_id": forum_id, "external_id": i.external_id, **_values(i)} for i in ordered]
    statement = (
        postgresql.insert(Question.__table__)  # type: ignore[arg-type]
        .on_conflict_do_nothing(index_elements=["forum_id", "external_id"])
        .returning(Question.external_id, Question.id)
    )
    return {row.external_id: row.id for row in session.connection().execute(statement, rows)}


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
    created: dict[str, int],
    known: dict[str, _Stored],
) -> Saved:
    if item.external_id in created:
        return Saved(
            id=created[item.external_id], external_id=item.external_id, outcome=Outcome.CREATED
        )
    row = known.get(item.external_id)
    if row is None:  # erased between the two statements
        raise TransientError("the question was erased while it was being saved: send it again")
    outcome = _outcome(item, row)
    if outcome is not Outcome.UNCHANGED:
        _edit(session, row.id, item, text_changed=outcome is Outcome.CHANGED)
    return Saved(id=row.id, external_id=item.external_id, outcome=outcome)


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
    # A question that is hidden must leave the search at once, not when a worker comes by.
    session.execute(
        update(Embedding).where(Embedding.question_id == question_id).values(visible=item.visible)
    )


# What an archive brought in has no job of its own: the last stage of its archive marks it checked.
_is_mined = or_(Question.checked_at.is_not(None), Archive.id.is_(None))
_state = case(
    (Job.failed_at.is_not(None), State.FAILED),
    (Job.question_id.is_not(None), State.PENDING),
    (_is_mined, State.DONE),
    (Archive.state.in_(("running", "paused")), State.PENDING),
    else_=State.FAILED,
).label("state")
_error = case(
    (Job.question_id.is_not(None), Job.error),
    (and_(~_is_mined, Archive.state == "cancelled"), _CANCELLED),
    (and_(~_is_mined, Archive.state == "done"), _SET_ASIDE),
).label("error")


def _select_rows() -> Select[tuple[object, ...]]:
    bi_encoder, reranker = aliased(Model), aliased(Model)
    plain = [
        getattr(Question, name)
        for name in QuestionRow.__dataclass_fields__
        if name not in {"bi_encoder", "reranker", "state", "error", "attempts"}
    ]
    return (
        select(
            *plain,
            bi_encoder.name.label("bi_encoder"),
            reranker.name.label("reranker"),
            _state,
            _error,
            func.coalesce(Job.attempts, 0).label("attempts"),
        )
        .outerjoin(Job, Job.question_id == Question.id)
        .outerjoin(Archive, Archive.id == Question.archive_id)
        .outerjoin(bi_encoder, bi_encoder.id == Question.bi_encoder_id)
        .outerjoin(reranker, reranker.id == Question.reranker_id)
    )


def get(session: Session, forum_id: int, external_id: str) -> QuestionRow:
    """Return the question a forum calls *external_id*; raises `QuestionNotFoundError`."""
    row = (
        session.execute(
            _select_rows().where(Question.forum_id == forum_id, Question.external_id == external_id)
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise QuestionNotFoundError(external_id)
    return QuestionRow(**{**row, "state": State(row["state"])})


def list_questions(session: Session, forum_id: int, *, after: int, limit: int) -> list[QuestionRow]:
    """Return the forum's questions with ids over *after*, by id."""
    found = session.execute(
        _select_rows()
        .where(Question.forum_id == forum_id, Question.id > after)
        .order_by(Question.id)
        .limit(limit)
    )
    return [QuestionRow(**{**row, "state": State(row["state"])}) for row in found.mappings()]


def erase(session: Session, forum_id: int, external_id: str, *, actor: str) -> None:
    """Erase a question with its vectors, pairs and events; what stays is that it was erased.

    Raises `QuestionNotFoundError`.
    """
    question_id = session.execute(
        select(Question.id)
        .where(Question.forum_id == forum_id, Question.external_id == external_id)
        .with_for_update()
    ).scalar_one_or_none()
    if question_id is None:
        raise QuestionNotFoundError(external_id)
    of_question = or_(Pair.low_id == question_id, Pair.high_id == question_id)
    pairs = list(session.execute(select(Pair.id).where(of_question)).scalars())
    session.execute(
        delete(Event).where(or_(Event.question_id == question_id, Event.pair_id.in_(pairs)))
    )
    groups.lock(session, forum_id)
    together = groups.together_with(session, question_id)
    session.execute(delete(Question).where(Question.id == question_id))
    if together:
        groups.rebuild(session, forum_id, together, actor=actor)
    erased = events.NewEvent(
        forum_id=forum_id,
        kind="question.erased",
        actor=actor,
        question_id=question_id,
        data={"pairs": len(pairs)},
    )
    events.record(session, [erased])


def same_text(
    session: Session, forum_id: int, digests: Iterable[bytes], *, limit: int
) -> dict[bytes, list[int]]:
    """Return for each digest the ids of the *limit* oldest visible questions that have it."""
    found: dict[bytes, list[int]] = {}
    for digest in set(digests):
        ids = session.execute(
            select(Question.id)
            .where(
                Question.forum_id == forum_id,
                Question.text_digest == digest,
                Question.visible,
            )
            .order_by(Question.id)
            .limit(limit)
        ).scalars()
        found[digest] = list(ids)
    return found


def undecided_partners(session: Session, ids: Sequence[int]) -> dict[int, list[int]]:
    """Return for each question the other sides of its undecided pairs: an edit re-scores them."""
    found: dict[int, list[int]] = {question_id: [] for question_id in ids}
    for own, other in ((Pair.low_id, Pair.high_id), (Pair.high_id, Pair.low_id)):
        rows = session.execute(
            select(own.label("own"), other.label("other")).where(
                own.in_(ids), Pair.status.in_(UNDECIDED)
            )
        )
        for row in rows:
            found[row.own].append(row.other)
    return found


def texts(session: Session, ids: Iterable[int]) -> dict[int, CandidateText]:
    """Return what the models see of these questions, by id; erased ones are missing."""
    found = session.execute(
        select(
            Question.id,
            Question.external_id,
            Question.title,
            Question.body,
            Question.url,
            Question.text_fields,
        ).where(Question.id.in_(set(ids)))
    )
    return {row["id"]: CandidateText(**row) for row in found.mappings()}


def mark_checked(session: Session, ids: Iterable[int], provenance: Provenance) -> None:
    """Note on these questions what they were last checked with."""
    session.execute(
        update(Question)
        .where(Question.id.in_(set(ids)))
        .values(
            bi_encoder_id=provenance.bi_encoder_id,
            reranker_id=provenance.reranker_id,
            threshold=provenance.threshold,
            checked_at=func.clock_timestamp(),
        )
    )


def lock(session: Session, ids: Iterable[int]) -> None:
    """Lock questions before their jobs, in one order: whoever edits them does the same."""
    session.execute(
        select(Question.id)
        .where(Question.id.in_(set(ids)))
        .order_by(Question.id)
        .with_for_update(key_share=True)
    )


def lock_unchanged(session: Session, versions: Mapping[int, int]) -> set[int]:
    """Keep these questions from being erased in this transaction; return whose text is as it was.

    *versions* holds the version of the text that each question's work began with.
    """
    found = session.execute(
        select(Question.id, Question.text_version)
        .where(Question.id.in_(versions))
        .order_by(Question.id)
        .with_for_update(read=True, key_share=True)
    )
    return {row.id for row in found if row.text_version == versions[row.id]}
