"""Adapts the service to one forum: by its moderators' decisions, or before these by its links.

Decisions give a calibration (`calibrating`). While there are too few, the pairs that the forum's
own people call the same may prove that a lower threshold is good. A proposal can be applied and
undone. A threshold that a person chose is not changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from db.engine import Sessions
from db.pairs import calibrations, thresholds
from db.pairs.calibrations import Moved
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.wording import counted
from worker.adapting import calibrating
from worker.adapting.calibrating import CannotLearnError, Proposal
from worker.adapting.surveying import SAMPLE, Surveyor
from worker.matching.matcher import OnDone, unheard
from worker.matching.models import Models
from worker.scoring.expectation import LEAST_KNOWN, LEAST_PRECISION, Expectation, suggest, table

ACTOR = "askedbefore adapt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """A calibration or threshold that fits the forum better, and the figures for it."""

    proposal: Proposal
    """The calibration from the decisions."""
    expected: Sequence[Expectation]
    """What each threshold to choose from would bring, by the sample."""
    density: float | None
    sampled: int
    current: float
    threshold: float | None
    """The proposed threshold instead of *current*; None if nothing is proved."""
    reason: str
    """Why no threshold is proposed, or what proves the proposed one."""

    @property
    def is_learnt(self) -> bool:
        """Return whether the decisions give a better calibration."""
        return self.proposal.refusal is None


def adapt(
    sessions: Sessions,
    models: Models,
    name: str,
    *,
    sample: int = SAMPLE,
    on_done: OnDone = unheard,
) -> Adaptation:
    """Return what would fit the forum better; nothing is changed. Raises `ForumNotFoundError`."""
    with sessions.begin() as session:
        forum = forums.get_forum(session, name)
        proposal = calibrating.propose(session, forum)
        chosen_by = thresholds.chosen_by(session, forum)
    current = models.threshold(forum)
    found = Surveyor(sessions, models, forum).survey(sample=sample, on_done=on_done)
    threshold = suggest(found, current)
    if chosen_by not in {None, ACTOR}:
        threshold, reason = None, _stays(chosen_by)
    elif len(found.known) < LEAST_KNOWN:
        reason = (
            f"people call {counted(len(found.known), 'pair')} of the sample the same, and it takes"
            f" {LEAST_KNOWN} to prove anything. Links in an import count, and so do decisions"
        )
    elif threshold is None:
        reason = f"no lower threshold is proved to have a precision of {LEAST_PRECISION:g}"
    else:
        reason = (
            f"people call so many of its flags the same: at least {LEAST_PRECISION:g} are right"
        )
    return Adaptation(
        proposal=proposal,
        expected=table(found, current),
        density=found.density if found.sampled else None,
        sampled=found.sampled,
        current=current,
        threshold=threshold,
        reason=reason,
    )


def _stays(chosen_by: str | None) -> str:
    return f"the threshold was chosen by {chosen_by}, and stays"


def apply(session: Session, name: str, found: Adaptation) -> Moved:
    """Apply the proposal and return what changed; decisions stay.

    Raises `CannotLearnError` if there is nothing to apply, or if a person chose a threshold
    meanwhile.
    """
    if found.is_learnt:
        done = calibrating.recalibrate(session, name, actor=ACTOR)
        return done.moved or Moved(scored=0, shown=0, hidden=0)
    forum = calibrations.lock(session, name)
    if found.threshold is None:
        raise CannotLearnError(f"there is nothing to apply: {found.reason}")
    if (chosen_by := thresholds.chosen_by(session, forum)) not in {None, ACTOR}:
        raise CannotLearnError(_stays(chosen_by))
    return _use(session, forum, found.threshold, chosen=found.threshold)


def take_back(session: Session, name: str) -> Moved:
    """Undo the calibration or threshold of `apply`, and return what changed.

    A person's choice stays.

    Raises `CannotLearnError` if there is nothing to undo.
    """
    forum = calibrations.lock(session, name)
    current = forum.calibration
    if current is not None and current.actor == ACTOR:
        return calibrating.reset(session, name, actor=ACTOR)
    if thresholds.chosen_by(session, forum) != ACTOR:
        raise CannotLearnError(
            "there is nothing to undo: no proposal of `askedbefore adapt` is in force"
        )
    return _use(session, forum, thresholds.own(session), chosen=None)


def _use(session: Session, forum: ForumRow, threshold: float, *, chosen: float | None) -> Moved:
    applied = thresholds.apply(
        session,
        forum,
        threshold,
        chosen=chosen,
        observe_only=forum.observe_only,
        actor=ACTOR,
    )
    return Moved(scored=0, shown=applied.shown, hidden=applied.hidden)
