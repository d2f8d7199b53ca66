"""A forum's calibration from its moderators' decisions: first measured, then applied."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy.orm import Session

from db.errors import ConflictError
from db.pairs import calibrations, thresholds
from db.pairs.calibrations import Decided, Moved
from db.tenants.rows import CalibrationRow, ForumRow, Learnt
from db.vectors import models
from db.vectors.rows import ModelKind
from worker.scoring.assurance import Assurance, Judgement, assure
from worker.scoring.recalibration import Line, Trial, fit, try_out

NEEDED = 20
"""With fewer decisions of one kind nothing is fitted: chance would decide the result."""
_SAME = 1e-6
"""Slopes and shifts that differ by less are the same: the order of decisions rounds differently."""


class CannotLearnError(ConflictError):
    """The decisions do not allow a better calibration yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The calibration from the decisions, and what it would change.

    *learnt*, *trial* and *moved* are None if there are too few decisions. *refusal* is the reason
    why the calibration cannot be applied.
    """

    duplicates: int
    others: int
    threshold: float
    current: CalibrationRow | None
    """The calibration in force for the active models."""
    assurance: Assurance
    """The precision of the present flags, from the decisions."""
    learnt: Learnt | None = None
    trial: Trial | None = None
    moved: Moved | None = None
    refusal: str | None = None


def in_force(session: Session, forum: ForumRow) -> CalibrationRow | None:
    """Return the forum's calibration if it belongs to the active models, otherwise None."""
    ids = _model_ids(session)
    learnt = forum.calibration
    if learnt is None or ids is None:
        return None
    return learnt if learnt.is_for(reranker_id=ids[0], bi_encoder_id=ids[1]) else None


def _model_ids(session: Session) -> tuple[int, int] | None:
    reranker = models.find_active(session, ModelKind.RERANKER)
    bi_encoder = models.find_active(session, ModelKind.BI_ENCODER)
    return None if reranker is None or bi_encoder is None else (reranker.id, bi_encoder.id)


def propose(session: Session, forum: ForumRow) -> Proposal:
    """Return the calibration from the decisions; nothing is changed."""
    ids = _model_ids(session)
    found = _decided(session, forum, ids)
    duplicates = sum(one.is_duplicate for one in found)
    others = len(found) - duplicates
    threshold = thresholds.in_force(session, forum)
    current = in_force(session, forum)
    start = Proposal(
        duplicates=duplicates,
        others=others,
        threshold=threshold,
        current=current,
        assurance=_assured(found, line_of(current), threshold),
    )
    if ids is None or min(duplicates, others) < NEEDED:
        return replace(start, refusal=_too_few(duplicates, others))
    return _judged(session, forum, start, found, ids)


def assurance(session: Session, forum: ForumRow) -> Assurance:
    """Return the precision of the flags that the decisions on the active models' pairs prove."""
    found = _decided(session, forum, _model_ids(session))
    line = line_of(in_force(session, forum))
    return _assured(found, line, thresholds.in_force(session, forum))


def _decided(session: Session, forum: ForumRow, ids: tuple[int, int] | None) -> Sequence[Decided]:
    if ids is None:
        return []
    return calibrations.decided(session, forum.id, reranker_id=ids[0], bi_encoder_id=ids[1])


def _assured(found: Sequence[Decided], line: Line, threshold: float) -> Assurance:
    """Return the assurance from the pairs whose probability by *line* is at least *threshold*."""
    raw = np.array([one.raw for one in found], dtype=np.float64)
    over = line.probability(raw).astype(np.float32) >= np.float32(threshold)
    return assure(
        [
            Judgement(is_right=one.is_duplicate, at=one.decided_at)
            for one, is_over in zip(found, over.tolist(), strict=True)
            if is_over
        ]
    )


def line_of(calibration: CalibrationRow | None) -> Line:
    """Return the line of a calibration; for None the line that changes nothing."""
    return Line() if calibration is None else Line(calibration.slope, calibration.shift)


def _judged(
    session: Session,
    forum: ForumRow,
    start: Proposal,
    found: Sequence[Decided],
    ids: tuple[int, int],
) -> Proposal:
    raw = np.array([one.raw for one in found], dtype=np.float64)
    labels = np.array([one.is_duplicate for one in found], dtype=np.float64)
    said = calibrations.said_different(session, forum.id, reranker_id=ids[0], bi_encoder_id=ids[1])
    hints = np.array(said, dtype=np.float64)
    trial = try_out(raw, labels, line_of(start.current), hints=hints)
    line = fit(raw, labels, hints=hints)
    if start.current is not None and _is_same(line, line_of(start.current)):
        return replace(
            start, refusal="the calibration in force was already fitted to these decisions"
        )
    learnt = Learnt(
        reranker_id=ids[0],
        bi_encoder_id=ids[1],
        slope=line.slope,
        shift=line.shift,
        duplicates=start.duplicates,
        others=start.others,
        lowest=float(raw.min()),
        error_before=trial.before.calibration_error,
        error_after=trial.after.calibration_error,
        brier_before=trial.before.brier,
        brier_after=trial.after.brier,
    )
    moved = calibrations.foresee(session, forum, learnt, threshold=start.threshold)
    return replace(
        start,
        learnt=learnt,
        trial=trial,
        moved=moved,
        refusal=_refusal(trial),
    )


def _too_few(duplicates: int, others: int) -> str:
    kinds = ((duplicates, "duplicate"), (others, "not the same or related"))
    missing = [f"{NEEDED - count} more of {name}" for count, name in kinds if count < NEEDED]
    return (
        f"too few to learn from: it takes {NEEDED} decisions of each kind on pairs that the models"
        f" in use have scored; missing: {' and '.join(missing) or 'models in use'}"
    )


def _is_same(one: Line, other: Line) -> bool:
    same = math.isclose(one.slope, other.slope, rel_tol=_SAME, abs_tol=_SAME)
    return same and math.isclose(one.shift, other.shift, rel_tol=_SAME, abs_tol=_SAME)


def _refusal(trial: Trial) -> str | None:
    """Return why a calibration is not proposed; None if it is."""
    if not trial.is_ordered:
        return (
            f"the decisions do not follow the scores: in {100 * trial.order:.0f} of 100 cases a"
            " pair decided as duplicate has a higher score than one decided otherwise, and chance"
            " gives 50. Check whether your moderators decide by the same rules"
        )
    return None if trial.is_better else _no_better(trial)


def _no_better(trial: Trial) -> str:
    return (
        "it would not be clearly better on decisions it has not seen: calibration error"
        f" {trial.before.calibration_error:.3f} now and {trial.after.calibration_error:.3f} then,"
        f" Brier score {trial.before.brier:.4f} and {trial.after.brier:.4f}"
    )


def recalibrate(session: Session, name: str, *, actor: str) -> Proposal:
    """Apply the calibration from the decisions and return it.

    The forum's undecided pairs are scored again in the same transaction; the threshold keeps its
    value. Raises `ForumNotFoundError` and `CannotLearnError`.
    """
    forum = calibrations.lock(session, name)
    found = propose(session, forum)
    if found.refusal is not None or found.learnt is None:
        raise CannotLearnError(found.refusal)
    calibrations.put_in_force(session, forum, found.learnt, threshold=found.threshold, actor=actor)
    return found


def reset(session: Session, name: str, *, actor: str) -> Moved:
    """Return to the model's own calibration, and return what changed.

    Raises `ForumNotFoundError` and `NoCalibrationError`.
    """
    forum = calibrations.lock(session, name)
    threshold = thresholds.in_force(session, forum)
    return calibrations.take_back(session, forum, threshold=threshold, actor=actor)


def foresee_reset(session: Session, forum: ForumRow) -> Moved:
    """Return what `reset` would change."""
    threshold = thresholds.in_force(session, forum)
    return calibrations.foresee(session, forum, None, threshold=threshold)
