"""What became of the suggestions of a check: reported by the page on which they were shown."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictStr
from starlette.concurrency import run_in_threadpool

from api.deps import AllServices, AskForum, Services, only_json
from api.http.texts import CheckedRoute
from api.shapes.check_ids import CHECK_ID_LENGTH, unseal
from api.shapes.schemas import ExternalId
from db.asking import outcomes
from db.asking.outcomes import AskerDid, NewOutcome
from db.errors import InvalidInputError

router = APIRouter(prefix="/v1/forums/{forum}", tags=["questions"], route_class=CheckedRoute)


class OutcomeIn(BaseModel):
    """What an asker did about one suggestion, or that they posted anyway."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    check_id: Annotated[
        StrictStr, Field(max_length=CHECK_ID_LENGTH, description="Of the check's answer")
    ]
    outcome: AskerDid = Field(strict=False)
    candidate_id: ExternalId | None = Field(
        default=None, description="The suggestion; left out for `posted`"
    )
    question_id: ExternalId | None = Field(
        default=None, description="With `posted`: the question that was posted"
    )


@router.post("/outcomes", status_code=HTTPStatus.NO_CONTENT, dependencies=[Depends(only_json)])
async def tell_outcome(forum: AskForum, services: AllServices, body: OutcomeIn) -> None:
    """Report what the asker did about a suggestion; the same call again changes nothing.

    Stored are the suggestion, its score in steps of 0.05, what was done, and when; never a text.
    """
    if body.question_id is not None and body.outcome is not AskerDid.POSTED:
        raise InvalidInputError("`question_id` goes with the outcome `posted`")
    check = unseal(services.settings, forum.id, body.check_id)
    candidate = body.candidate_id
    new = NewOutcome(
        check_key=check.key,
        outcome=body.outcome,
        candidate=candidate,
        asked_as=body.question_id,
        score=check.score_of(candidate) if candidate is not None else None,
    )
    await run_in_threadpool(_save, services, forum.id, new)
    band = "" if new.score is None else f"{outcomes.band_of(new.score) / outcomes.BANDS:.2f}"
    services.metrics.outcomes.labels(new.outcome, band).inc()


def _save(services: Services, forum_id: int, new: NewOutcome) -> None:
    with services.sessions.begin() as session:
        outcomes.save(session, forum_id, new)
