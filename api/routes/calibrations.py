"""A forum's own calibration, fitted to its moderators' decisions."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from api.deps import AdminForum, Caller, Sessions, only_json
from api.http.openapi import conflict
from api.http.texts import CheckedRoute
from db.pairs import calibrations
from db.tenants import forums
from db.tenants.rows import CalibrationRow
from worker.adapting import calibrating
from worker.adapting.calibrating import Proposal
from worker.scoring.assurance import Assurance, Standing

router = APIRouter(
    prefix="/v1/forums/{forum}/calibration", tags=["calibration"], route_class=CheckedRoute
)

_REFUSED = conflict("The decisions do not allow it, or there is nothing to undo")
_Share = Annotated[float, Field(ge=0, le=1)]


class CalibrationIn(BaseModel):
    """Whether the calibration is put into force or only measured."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    dry_run: StrictBool = Field(default=False, description="Measure it and change nothing")


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class MeasuresOut(_Out):
    """Errors of the probabilities on decisions that were not used to fit them; lower is better."""

    calibration_error: _Share
    brier: _Share


class VersionOut(_Out):
    """A calibration: who made it, when, from how many decisions."""

    id: str
    slope: float = Field(gt=0)
    shift: float
    duplicates: int
    others: int
    lowest: _Share = Field(description="The model's lowest probability among the decided pairs")
    before: MeasuresOut
    after: MeasuresOut
    by: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None

    @classmethod
    def of(cls, row: CalibrationRow) -> Self:
        """Return a stored calibration as the API shows it."""
        same = set(cls.model_fields) - {"id", "before", "after", "by"}
        return cls(
            id=str(row.id),
            before=MeasuresOut(calibration_error=row.error_before, brier=row.brier_before),
            after=MeasuresOut(calibration_error=row.error_after, brier=row.brier_after),
            by=row.actor,
            **{name: getattr(row, name) for name in same},
        )


class PrecisionOut(_Out):
    """What people's decisions say about the precision of the forum's flags.

    Measured on pairs at or above the threshold that the models in use have scored. The bound holds
    however often it is looked at, if the decided pairs are like the others.
    """

    standing: Standing
    at_least: _Share | None = Field(description="Null: too few were decided to state one")
    decided: int
    right: int
    latest: datetime | None = Field(description="When the last of them was decided")
    certified_from: _Share = Field(description="The bound from which it is certified")
    risk: _Share = Field(description="Highest probability that the precision is lower than stated")
    words: str

    @classmethod
    def of(cls, found: Assurance) -> Self:
        """Return a proved precision as the API shows it."""
        same = set(cls.model_fields) - {"certified_from"}
        return cls(certified_from=found.aim, **{name: getattr(found, name) for name in same})


class CalibrationOut(_Out):
    """A forum's calibrations, the latest first, the one in force, and the proved precision."""

    precision: PrecisionOut
    in_force: VersionOut | None = Field(description="Null: the model's own")
    versions: list[VersionOut]


class ProposalOut(_Out):
    """The calibration that the decisions give, and what it would change."""

    applied: bool
    duplicates: int = Field(description="Decisions for duplicate")
    others: int
    threshold: _Share = Field(description="Stays the same number")
    slope: float | None
    shift: float | None
    before: MeasuresOut | None
    after: MeasuresOut | None
    would_flag: int | None = Field(description="Recorded undecided pairs that would be flagged")
    would_hide: int | None = Field(description="Undecided pairs that would be hidden")
    refusal: str | None = Field(description="Why it is refused; null if it is not")


class ResetOut(_Out):
    """What changed when the model's own calibration came back."""

    rescored: int
    flagged: int
    hidden: int


@router.get("")
def get_calibration(forum: AdminForum, sessions: Sessions) -> CalibrationOut:
    """Return the forum's calibration and those before it.

    A calibration that was fitted to the scores of other models is not in force.
    """
    with sessions.begin() as session:
        row = forums.get_forum(session, forum.name)
        current = calibrating.in_force(session, row)
        found = calibrations.versions(session, row.id)
        assured = calibrating.assurance(session, row)
    return CalibrationOut(
        precision=PrecisionOut.of(assured),
        in_force=VersionOut.of(current) if current is not None else None,
        versions=[VersionOut.of(one) for one in found],
    )


@router.post("", dependencies=[Depends(only_json)], responses=_REFUSED)
def recalibrate(
    forum: AdminForum, caller: Caller, sessions: Sessions, body: CalibrationIn
) -> ProposalOut:
    """Fit the forum's calibration to its moderators' decisions and put it into force.

    The answer is 409 if there are too few decisions of one kind, or if the new calibration would
    not be clearly better on decisions that were not used to fit it. Undecided pairs get new scores;
    decided pairs never change.
    """
    with sessions.begin() as session:
        if body.dry_run:
            row = forums.get_forum(session, forum.name)
            return _proposal_out(calibrating.propose(session, row), applied=False)
        done = calibrating.recalibrate(session, forum.name, actor=caller.key.name)
    return _proposal_out(done, applied=True)


@router.delete("", responses=_REFUSED)
def reset_calibration(forum: AdminForum, caller: Caller, sessions: Sessions) -> ResetOut:
    """Go back to the model's own calibration; undecided pairs get their earlier scores."""
    with sessions.begin() as session:
        moved = calibrating.reset(session, forum.name, actor=caller.key.name)
    return ResetOut(rescored=moved.scored, flagged=moved.shown, hidden=moved.hidden)


def _proposal_out(found: Proposal, *, applied: bool) -> ProposalOut:
    learnt, moved = found.learnt, found.moved
    before = after = None
    if learnt is not None:
        before = MeasuresOut(calibration_error=learnt.error_before, brier=learnt.brier_before)
        after = MeasuresOut(calibration_error=learnt.error_after, brier=learnt.brier_after)
    return ProposalOut(
        applied=applied,
        duplicates=found.duplicates,
        others=found.others,
        threshold=found.threshold,
        slope=learnt.slope if learnt is not None else None,
        shift=learnt.shift if learnt is not None else None,
        before=before,
        after=after,
        would_flag=moved.shown if moved is not None else None,
        would_hide=moved.hidden if moved is not None else None,
        refusal=found.refusal,
    )
