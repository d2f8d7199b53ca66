"""Queries on questions: reading one or many, and erasing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import Session, aliased

from db.asking import outcomes
from db.engine import run_alone
from db.errors import QuestionNotFoundError, QuestionOutdatedError
from db.groups import groups
from db.outbox import events
from db.pairs import pairs
from db.questions import erasures
from db.questions.rows import Answer, QuestionRow, State
from db.rows import UNDECIDED, CandidateText, Provenance, SearchScope
from db.tables.archives import Archive
from db.tables.pairs import Event, Pair
from db.tables.questions import Job, Model, Question
from db.work import jobs

_CANCELLED = "its archive was cancelled before this question was checked: import it again"
_UNREAD = "its archive's file was not read to the end: import it again"
_SET_ASIDE = "work on its archive kept failing at this question: import it again"


# A question of an archive has no job: the last stage of the archive marks it as checked.
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
    (and_(~_is_mined, Archive.state == "failed"), _UNREAD),
    (and_(~_is_mined, Archive.state == "done"), _SET_ASIDE),
).label("error")


_SAME_TEXT = """
    SELECT given.place, same.id
    FROM unnest(%(digests)s::bytea[]) WITH ORDINALITY AS given (digest, place)
    CROSS JOIN LATERAL (
        SELECT id FROM questions
        WHERE forum_id = %(forum)s AND text_digest = given.digest AND visible
        ORDER BY id LIMIT %(limit)s
    ) AS same
    ORDER BY given.place, same.id
"""
# If nothing but the end of the work is written, the commit need not wait for the disk: what a crash
# of the server undoes is due again.
_FINISH = f"""
    WITH wanted AS MATERIALIZED (
        SELECT CASE WHEN %(alone)s THEN set_config('synchronous_commit', 'off', true) END, EXISTS (
            SELECT FROM webhooks WHERE forum_id = %(forum)s AND disabled_at IS NULL
            AND 'question.checked' = ANY(kinds)
        ) AS is_wanted
    ), locked AS MATERIALIZED (
        SELECT id FROM questions
        WHERE id = ANY(%(ids)s) AND NOT (%(alone)s AND (SELECT is_wanted FROM wanted))
        ORDER BY id FOR NO KEY UPDATE
    ), {jobs.DONE.format(ids="ARRAY(SELECT id FROM locked)")}, checked AS (
        UPDATE questions SET checked_at = clock_timestamp(), bi_encoder_id = %(bi_encoder)s,
            reranker_id = %(reranker)s, threshold = %(threshold)s
        FROM done WHERE questions.id = done.question_id
    )
    SELECT is_wanted, ARRAY(SELECT question_id FROM done) FROM wanted
"""  # noqa: S608  # statements of our own
# Built once: building them again for every question takes longer than Postgres needs to run them.
_IDS: BindParameter[Sequence[int]] = bindparam("ids", expanding=True)
_PARTNERS = union_all(
    *(
        select(own.label("own"), other.label("other")).where(
            own.in_(_IDS), Pair.status.in_(UNDECIDED)
        )
        for own, other in ((Pair.low_id, Pair.high_id), (Pair.high_id, Pair.low_id))
    )
)
_TEXT = tuple(CandidateText.__dataclass_fields__)
_TEXTS = f"{select(*(getattr(Question, name) for name in _TEXT))} WHERE questions.id = ANY(%(ids)s)"
_ANSWERED = select(
    Question.id,
    Question.facts["answers"].as_integer().label("answers"),
    Question.facts["accepted"].as_boolean().label("accepted"),
).where(Question.id.in_(_IDS))
_UNCHANGED = (
    select(Question.id, Question.text_version)
    .where(Question.id.in_(_IDS))
    .order_by(Question.id)
    .with_for_update(read=True)
)
_FOUND_OUT = ("bi_encoder", "reranker", "state", "error", "attempts")
COLUMNS = tuple(
    getattr(Question, name) for name in QuestionRow.__dataclass_fields__ if name not in _FOUND_OUT
)
"""The columns of the question's own table that a `QuestionRow` needs."""


def _select_rows() -> Select[tuple[object, ...]]:
    bi_encoder, reranker = aliased(Model), aliased(Model)
    return (
        select(
            *COLUMNS,
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


_ROWS = _select_rows()
_ROW = _ROWS.where(
    Question.forum_id == bindparam("forum"), Question.external_id == bindparam("external")
)


def get(session: Session, forum_id: int, external_id: str) -> QuestionRow:
    """Return the question a forum calls *external_id*; raises `QuestionNotFoundError`."""
    given = {"forum": forum_id, "external": external_id}
    row = session.connection().execute(_ROW, given).mappings().one_or_none()
    if row is None:
        raise QuestionNotFoundError(external_id)
    return QuestionRow(**{**row, "state": State(row["state"])})


def answer(session: Session, forum_id: int, external_id: str) -> Answer:
    """Return a question with its duplicates; raises `QuestionNotFoundError`."""
    row = get(session, forum_id, external_id)
    return Answer(question=row, duplicates=pairs.duplicates(session, row.id))


def list_questions(
    session: Session, forum_id: int, *, after: int, limit: int, lock: bool = False
) -> list[QuestionRow]:
    """Return the forum's questions with ids above *after*, by id.

    With *lock* nobody edits or erases them until this transaction ends.
    """
    statement = (
        _ROWS.where(Question.forum_id == forum_id, Question.id > after)
        .order_by(Question.id)
        .limit(limit)
    )
    if lock:
        statement = statement.with_for_update(of=Question, key_share=True)
    found = session.execute(statement)
    return [QuestionRow(**{**row, "state": State(row["state"])}) for row in found.mappings()]


def erase(
    session: Session,
    forum_id: int,
    external_id: str,
    *,
    actor: str,
    edited_at: datetime | None = None,
    revision: int | None = None,
) -> None:
    """Erase a question with its vectors, pairs and events.

    Only an event of the erasure stays, and a digest of its id, so that an archive does not bring it
    back. *edited_at* and *revision* are the version that the forum erased, if it says. Raises
    `QuestionNotFoundError`, and `QuestionOutdatedError` if a newer version is stored.
    """
    # First, as a decision does: in the other order the two could wait for each other.
    groups.lock(session, forum_id)
    found = session.execute(
        select(Question.id, Question.edited_at, Question.revision)
        .where(Question.forum_id == forum_id, Question.external_id == external_id)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise QuestionNotFoundError(external_id)
    question_id = found.id
    if revision is not None and found.revision is not None and revision < found.revision:
        raise QuestionOutdatedError
    if edited_at is not None and found.edited_at is not None and edited_at < found.edited_at:
        raise QuestionOutdatedError
    erasures.note(
        session,
        forum_id,
        external_id,
        edited_at=edited_at,
        revision=found.revision if revision is None else revision,
    )
    of_question = or_(Pair.low_id == question_id, Pair.high_id == question_id)
    pair_ids = list(session.execute(select(Pair.id).where(of_question)).scalars())
    session.execute(
        delete(Event).where(or_(Event.question_id == question_id, Event.pair_id.in_(pair_ids)))
    )
    outcomes.forget(session, forum_id, external_id)
    together = groups.together_with(session, question_id)
    session.execute(delete(Question).where(Question.id == question_id))
    if together:
        groups.rebuild(session, forum_id, together, actor=actor)
    erased = events.NewEvent(
        forum_id=forum_id,
        kind="question.erased",
        actor=actor,
        question_id=question_id,
        data={"pairs": len(pair_ids)},
    )
    events.record(session, [erased])


def same_text(
    session: Session, forum_id: int, digests: Iterable[bytes], *, limit: int
) -> dict[bytes, list[int]]:
    """Return for each digest the ids of the *limit* oldest visible questions that have it."""
    wanted = sorted(set(digests))
    found: dict[bytes, list[int]] = {digest: [] for digest in wanted}
    given = {"digests": wanted, "forum": forum_id, "limit": limit}
    for place, question_id in run_alone(session, _SAME_TEXT, given):
        found[wanted[place - 1]].append(question_id)
    return found


_IN_SCOPE = """
    SELECT own.id AS own, q.id AS other
    FROM unnest(CAST(:owns AS bigint[]), CAST(:others AS bigint[])) AS pair (own_id, other_id)
    LEFT JOIN questions AS own ON own.id = pair.own_id
    JOIN questions AS q ON q.id = pair.other_id
    WHERE (CAST(:days AS integer) IS NULL
            OR coalesce(q.asked_at, q.created_at) > now() - make_interval(days => :days))
        AND (:within <> 'category' OR own.category IS NULL OR q.category = own.category)
        AND (:within <> 'author' OR own.author IS NULL OR q.author = own.author)
"""


def in_scope(
    session: Session, scope: SearchScope, pairs_of: Iterable[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Return the pairs (question, earlier question) whose earlier question may be found.

    A question that is not stored has neither category nor author; its number is 0.
    """
    wanted = list(pairs_of)
    if scope.is_whole or not wanted:
        return set(wanted)
    owns, others = zip(*wanted, strict=True)
    values = {
        "owns": list(owns),
        "others": list(others),
        "days": scope.days,
        "within": scope.within,
    }
    found = session.execute(text(_IN_SCOPE), values)
    return {(row.own or 0, row.other) for row in found}


def undecided_partners(session: Session, ids: Sequence[int]) -> dict[int, list[int]]:
    """Return for each question its partners in undecided pairs: an edit scores them again."""
    found: dict[int, list[int]] = {question_id: [] for question_id in ids}
    for row in session.connection().execute(_PARTNERS, {"ids": list(ids)}):
        found[row.own].append(row.other)
    return found


def texts(session: Session, ids: Iterable[int]) -> dict[int, CandidateText]:
    """Return the texts of these questions that the models read, by id; erased ones are missing."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    found = run_alone(session, _TEXTS, {"ids": wanted})
    return {row[0]: CandidateText(**dict(zip(_TEXT, row, strict=True))) for row in found}


def answered(session: Session, ids: Iterable[int]) -> dict[int, tuple[int | None, bool | None]]:
    """Return how many answers each question has, and whether one is accepted, as far as known."""
    found = session.connection().execute(_ANSWERED, {"ids": list(set(ids))})
    return {row.id: (row.answers, row.accepted) for row in found}


def mark_checked(session: Session, ids: Iterable[int], provenance: Provenance) -> None:
    """Record on these questions with which models they were checked."""
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


def finish(
    session: Session,
    forum_id: int,
    lease: UUID,
    ids: Sequence[int],
    provenance: Provenance,
    *,
    alone: bool = False,
) -> tuple[set[int], bool]:
    """Delete the jobs of questions of a forum that *lease* still holds.

    Returns their ids, and whether a webhook wants to hear of them. The questions are locked before,
    and marked as checked with these models. Save results only for these: the other questions were
    edited, erased or claimed by another worker. If *alone*, nothing else is saved; nothing is done
    then if a webhook wants to hear of it.
    """
    given = {
        "lease": str(lease),
        "forum": forum_id,
        "ids": list(ids),
        "alone": alone,
        "bi_encoder": provenance.bi_encoder_id,
        "reranker": provenance.reranker_id,
        "threshold": provenance.threshold,
    }
    ((is_wanted, done),) = run_alone(session, _FINISH, given)
    return set(done), is_wanted


def lock(session: Session, ids: Iterable[int]) -> None:
    """Lock questions, before their jobs and in one order; code that edits them does the same."""
    session.execute(
        select(Question.id)
        .where(Question.id.in_(set(ids)))
        .order_by(Question.id)
        .with_for_update(key_share=True)
    )


def lock_unchanged(session: Session, versions: Mapping[int, int]) -> set[int]:
    """Lock these questions until this transaction ends; return those with unchanged text.

    *versions* has the version of the text with which work on each question began. So a question
    can neither be edited nor hidden while its results are saved.
    """
    found = session.connection().execute(_UNCHANGED, {"ids": list(versions)})
    return {row.id for row in found if row.text_version == versions[row.id]}
