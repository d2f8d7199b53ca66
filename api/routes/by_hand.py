"""Pairs that a person makes: two questions that no model found, by their ids or links."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from api.deps import ReviewForum, Sessions, only_json
from api.http.openapi import conflict
from api.routes.review import DecisionOut, Moderator, ReviewRoute, decision_out
from db.deciding import by_hand
from db.deciding.decisions import NOTE_LENGTH
from db.rows import PairStatus
from worker.delivery.addresses import URL_LENGTH

router = APIRouter(prefix="/v1/forums/{forum}", tags=["review"], route_class=ReviewRoute)

_Question = Annotated[
    StrictStr,
    Field(min_length=1, max_length=URL_LENGTH, description="The forum's own id, or its link"),
]


class PairIn(BaseModel):
    """A decision about two questions, whether they are a pair already or not."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    moderator: Moderator
    questions: Annotated[list[_Question], Field(min_length=2, max_length=2)]
    decision: PairStatus = Field(
        strict=False, description="`duplicate`, `not_duplicate` or `related`"
    )
    canonical: _Question | None = Field(
        default=None, description="If it is a duplicate: which of the two is canonical"
    )
    note: Annotated[StrictStr, Field(max_length=NOTE_LENGTH)] = ""
    merge: StrictBool = Field(default=False, description="Whether two groups may be joined")


@router.post(
    "/pairs",
    dependencies=[Depends(only_json)],
    responses=conflict("It would join two groups, or changed meanwhile"),
)
def decide_by_hand(forum: ReviewForum, sessions: Sessions, body: PairIn) -> DecisionOut:
    """Make or break a pair of two questions that no model has found."""
    one, other = body.questions
    with sessions.begin() as session:
        done = by_hand.decide(
            session,
            forum.id,
            (one, other),
            body.decision,
            actor=body.moderator,
            canonical=body.canonical,
            note=body.note,
            merge=body.merge,
        )
    return decision_out(done)
