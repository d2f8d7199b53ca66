"""How far the service may go in a forum."""

from typing import Annotated, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt

from api.deps import AdminForum, Caller, ReadForum, Sessions, only_json
from api.http.texts import CheckedRoute
from db.acting.ladder import LEAST_PRECISION, LONGEST_GRACE_H, Ladder
from db.rows import Rung
from db.tenants import forums
from db.tenants.rows import ForumRow
from worker import acting

router = APIRouter(prefix="/v1/forums/{forum}/ladder", tags=["actions"], route_class=CheckedRoute)

_Number = StrictFloat | StrictInt


class LadderIn(BaseModel):
    """How far the service may go."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rung: Rung = Field(strict=False)
    grace_hours: Annotated[_Number, Field(ge=0, le=LONGEST_GRACE_H)] = Field(
        default=48, description="From the service's own decision until the forum is to act on it"
    )
    precision: Annotated[_Number, Field(ge=LEAST_PRECISION, lt=1)] = Field(
        default=0.98, description="What the decisions must prove before the service decides alone"
    )


class LadderOut(BaseModel):
    """How far the service may go, and from which score it decides alone."""

    model_config = ConfigDict(frozen=True)

    rung: Rung
    grace_hours: float
    precision: float
    acts_from: float | None = Field(
        description="Null: on another rung, or the decisions do not prove the precision anywhere"
    )

    @classmethod
    def of(cls, forum: ForumRow) -> Self:
        """Return the ladder of a forum."""
        return cls(
            rung=forum.rung,
            grace_hours=forum.grace_h,
            precision=round(forum.wanted_precision, 4),
            acts_from=forum.act_threshold,
        )


@router.get("")
def get_ladder(forum: ReadForum, sessions: Sessions) -> LadderOut:
    """Return how far the service may go in the forum."""
    with sessions.begin() as session:
        return LadderOut.of(forums.get_forum(session, forum.name))


@router.put("", dependencies=[Depends(only_json)])
def choose_ladder(
    forum: AdminForum, caller: Caller, sessions: Sessions, body: LadderIn
) -> LadderOut:
    """Choose how far the service may go from now on; earlier actions stay."""
    wanted = Ladder(
        rung=body.rung, grace_h=float(body.grace_hours), wanted_precision=float(body.precision)
    )
    with sessions.begin() as session:
        row = acting.choose_ladder(session, forum.name, wanted, actor=f"key {caller.key.prefix}")
        return LadderOut.of(row)
