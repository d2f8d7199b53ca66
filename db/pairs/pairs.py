"""Queries on pairs. A score never overwrites a decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.dml import ReturningUpdate

from db.errors import TransientError
from db.outbox.events import NewEvent, record
from db.pairs.rows import Duplicate, Finding
from db.rows import UNDECIDED, PairKind, PairStatus, Provenance
from db.tables.pairs import Pair
from db.tables.questions import Model, Question
from db.tenants import forums

_SCORES = (
    "kind",
    "cosine",
    "logit_low_high",
    "logit_high_low",
    "score",
    "raw_score",
    "calibration_id",
    "threshold",
    "bi_encoder_id",
    "reranker_id",
    "low_text_version",
    "high_text_version",
    "status",
)
_ENDS = ("low_id", "high_id")
_LOCKED_TEXTS = (
    select(Question.id, Question.text_version, Question.text_digest)
    .where(
        Question.id.in_(bindparam("ids", expanding=True)), Question.forum_id == bindparam("forum")
    )
    .order_by(Question.id)
    .with_for_update(read=True, key_share=True)
)
_NEW = (
    insert(Pair.__table__)  # type: ignore[arg-type]
    .on_conflict_do_nothing(index_elements=_ENDS)
    .returning(Pair.low_id, Pair.high_id, Pair.id, Pair.status, Pair.score)
)
_REOPENABLE = (PairStatus.NOT_DUPLICATE, PairStatus.RELATED)
_VISIBLE = (PairStatus.FLAGGED, PairStatus.OBSERVED)
SHOWN = (PairStatus.FLAGGED, PairStatus.DUPLICATE)


class StaleScoresError(TransientError):
    """The forum's calibration changed while these pairs were scored; score them again."""


def save_findings(
    session: Session,
    forum_id: int,
    findings: Sequence[Finding],
    provenance: Provenance,
    *,
    read: Mapping[int, int],
) -> int:
    """Save the findings as pairs with their events and return how many pairs changed.

    *read* holds, by question, the version of the text that a model read. A finding about a text
    that has changed since is left out: the job of the edit finds the pair again if it is one.

    A pair found from both sides counts once. A finding at or above the threshold flags its pair;
    one below withdraws a flagged pair and never stores a new one. A decision stays, unless it is
    "not the same" and a text has changed since: then the pair is flagged again. Saving the same
    findings again changes nothing. Raises `StaleScoresError`.
    """
    if not findings:
        return 0
    _refuse_stale(session, forum_id, provenance)
    texts = _lock_texts(session, forum_id, findings)
    current = [finding for finding in findings if _is_of(finding, texts, read)]
    rows = _pair_rows(forum_id, current, texts, provenance)
    flagging = [row for row in rows if row["status"] != PairStatus.WITHDRAWN]
    changed = _upsert(session, flagging) + _withdraw(session, rows)
    record(session, [_event(forum_id, change) for change in changed])
    return len(changed)


def _refuse_stale(session: Session, forum_id: int, provenance: Provenance) -> None:
    # Locked until the end: a new calibration waits meanwhile, and then scores these pairs too.
    stands = forums.hold(session, forum_id).calibration
    models = {"reranker_id": provenance.reranker_id, "bi_encoder_id": provenance.bi_encoder_id}
    wanted = stands.id if stands is not None and stands.is_for(**models) else None
    if wanted != provenance.calibration_id:
        raise StaleScoresError


@dataclass(frozen=True, slots=True)
class _Change:
    pair_id: int
    status: str
    score: float
    is_move: bool
    """Whether its status changed; otherwise only its score did."""


@dataclass(frozen=True, slots=True)
class _Text:
    version: int
    digest: bytes


def _lock_texts(session: Session, forum_id: int, findings: Sequence[Finding]) -> dict[int, _Text]:
    # Locked in one order, against deadlocks and against a question that is erased meanwhile.
    ids = {f.question_id for f in findings} | {f.candidate_id for f in findings}
    found = session.connection().execute(_LOCKED_TEXTS, {"ids": list(ids), "forum": forum_id})
    return {row.id: _Text(row.text_version, bytes(row.text_digest)) for row in found}


def _is_of(finding: Finding, texts: Mapping[int, _Text], read: Mapping[int, int]) -> bool:
    """Return whether a finding is about the present texts of both questions."""
    ends = (finding.question_id, finding.candidate_id)
    if ends[0] == ends[1] or not all(end in texts for end in ends):
        return False
    if finding.kind is PairKind.SAME_TEXT:
        return texts[ends[0]].digest == texts[ends[1]].digest
    return all(texts[end].version == read.get(end) for end in ends)


def _pair_rows(
    forum_id: int,
    findings: Sequence[Finding],
    texts: Mapping[int, _Text],
    provenance: Provenance,
) -> list[dict[str, object]]:
    rows: dict[tuple[int, int], dict[str, object]] = {}
    for finding in findings:
        low, high = sorted((finding.question_id, finding.candidate_id))
        row = _pair_row(finding, provenance, is_low=finding.question_id == low)
        row |= {"forum_id": forum_id, "low_id": low, "high_id": high}
        row |= {"low_text_version": texts[low].version, "high_text_version": texts[high].version}
        rows.setdefault((low, high), row)
    return [rows[key] for key in sorted(rows)]


def _pair_row(finding: Finding, provenance: Provenance, *, is_low: bool) -> dict[str, object]:
    forward, backward = finding.logit_forward, finding.logit_backward
    flagged = PairStatus.OBSERVED if provenance.observe_only else PairStatus.FLAGGED
    is_over = finding.score >= provenance.threshold
    return {
        "kind": finding.kind,
        "cosine": finding.cosine,
        "logit_low_high": forward if is_low else backward,
        "logit_high_low": backward if is_low else forward,
        "score": finding.score,
        "raw_score": finding.raw_score,
        "calibration_id": provenance.calibration_id if finding.raw_score is not None else None,
        "threshold": provenance.threshold,
        "bi_encoder_id": provenance.bi_encoder_id,
        "reranker_id": provenance.reranker_id,
        "status": flagged if is_over else PairStatus.WITHDRAWN,
    }


def _upsert(session: Session, rows: list[dict[str, object]]) -> list[_Change]:
    if not rows:
        return []
    new = _insert_new(session, rows)
    known = [row for row in rows if (row["low_id"], row["high_id"]) not in new]
    return [*new.values(), *_score_anew(session, known)]


def _insert_new(
    session: Session, rows: list[dict[str, object]]
) -> dict[tuple[object, object], _Change]:
    done = session.connection().execute(_NEW, rows)
    return {
        (row.low_id, row.high_id): _Change(row.id, row.status, row.score, is_move=True)
        for row in done
    }


def _score_anew(session: Session, rows: list[dict[str, object]]) -> list[_Change]:
    if not rows:
        return []
    stood = _lock_pairs(session, rows)
    statement = insert(Pair).values(rows)
    new = statement.excluded
    text_changed = or_(
        new.low_text_version > Pair.low_text_version,
        new.high_text_version > Pair.high_text_version,
    )
    may_change = or_(Pair.status.in_(UNDECIDED), and_(Pair.status.in_(_REOPENABLE), text_changed))
    differs = or_(*(getattr(Pair, name).is_distinct_from(new[name]) for name in _SCORES))
    statement = statement.on_conflict_do_update(
        index_elements=_ENDS,
        set_={
            **{name: new[name] for name in _SCORES},
            "version": Pair.version + 1,
            "decided_at": None,
            "decided_by": None,
            "canonical_id": None,
            "flagged_at": case(
                (Pair.status == new.status, Pair.flagged_at), else_=func.clock_timestamp()
            ),
        },
        where=and_(may_change, differs),
    )
    done = session.execute(statement.returning(Pair.id, Pair.status, Pair.score))
    return [
        _Change(row.id, row.status, row.score, is_move=stood.get(row.id) != row.status)
        for row in done
    ]


def _lock_pairs(session: Session, rows: list[dict[str, object]]) -> dict[int, str]:
    """Return the status of pairs, and lock them, so that each change is reported once."""
    ends = [(row["low_id"], row["high_id"]) for row in rows]
    found = session.execute(
        select(Pair.id, Pair.status)
        .where(tuple_(Pair.low_id, Pair.high_id).in_(ends))
        .order_by(Pair.low_id, Pair.high_id)
        .with_for_update(key_share=True)
    )
    return {row.id: row.status for row in found}


def _withdraw(session: Session, rows: list[dict[str, object]]) -> list[_Change]:
    done: list[_Change] = []
    for row in rows:
        if row["status"] != PairStatus.WITHDRAWN:
            continue
        changed = session.execute(_below(row, Pair.status.in_(_VISIBLE))).all()
        if not changed:  # withdrawn before: a lower threshold must find the score of the new text
            session.execute(_below(row, and_(Pair.status == PairStatus.WITHDRAWN, _is_older(row))))
        done += [_Change(found.id, found.status, found.score, is_move=True) for found in changed]
    return done


def _below(
    row: Mapping[str, object], where: ColumnElement[bool]
) -> ReturningUpdate[int, str, float]:
    return (
        update(Pair)
        .where(Pair.low_id == row["low_id"], Pair.high_id == row["high_id"], where)
        .values(**{name: row[name] for name in _SCORES}, version=Pair.version + 1)
        .returning(Pair.id, Pair.status, Pair.score)
    )


def _is_older(row: Mapping[str, object]) -> ColumnElement[bool]:
    return or_(
        Pair.low_text_version < row["low_text_version"],
        Pair.high_text_version < row["high_text_version"],
    )


def _event(forum_id: int, change: _Change) -> NewEvent:
    return NewEvent(
        forum_id=forum_id,
        kind=f"pair.{change.status}" if change.is_move else "pair.rescored",
        actor="service",
        pair_id=change.pair_id,
        data={"score": round(change.score, 4)},
    )


def _duplicates() -> Select[Any]:
    other, bi_encoder, reranker = aliased(Question), aliased(Model), aliased(Model)
    question = bindparam("question", type_=Pair.low_id.type)
    is_low = Pair.low_id == question
    return (
        select(
            Pair.id.label("pair_id"),
            other.external_id.label("id"),
            other.title,
            other.url,
            Pair.score,
            Pair.cosine,
            Pair.kind,
            Pair.status,
            Pair.threshold,
            case((is_low, Pair.logit_low_high), else_=Pair.logit_high_low).label("logit_forward"),
            case((is_low, Pair.logit_high_low), else_=Pair.logit_low_high).label("logit_backward"),
            bi_encoder.name.label("bi_encoder"),
            reranker.name.label("reranker"),
            Pair.flagged_at,
        )
        .join(other, other.id == case((is_low, Pair.high_id), else_=Pair.low_id))
        .outerjoin(bi_encoder, bi_encoder.id == Pair.bi_encoder_id)
        .outerjoin(reranker, reranker.id == Pair.reranker_id)
        .where(or_(is_low, Pair.high_id == question), Pair.status.in_(SHOWN), other.visible)
        .order_by(Pair.score.desc(), Pair.id)
        .limit(bindparam("limit", type_=Integer))
    )


_DUPLICATES = _duplicates()


def duplicates(session: Session, question_id: int, *, limit: int = 10) -> list[Duplicate]:
    """Return the flagged and confirmed duplicates of a question, the highest score first."""
    given = {"question": question_id, "limit": limit}
    found = session.connection().execute(_DUPLICATES, given)
    return [
        Duplicate(**{**row, "kind": PairKind(row["kind"]), "status": PairStatus(row["status"])})
        for row in found.mappings()
    ]
