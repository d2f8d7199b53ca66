"""What many ask at this moment."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt

from api.deps import AdminForum, ReviewForum, Sessions, only_json
from api.http.texts import CheckedRoute
from db.faq import rising
from db.tenants import forums

router = APIRouter(prefix="/v1/forums/{forum}", tags=["faq"], route_class=CheckedRoute)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class RisingOut(_Out):
    """A question that many ask now."""

    id: str
    title: str
    url: str | None
    asked: int
    window_hours: float


class RisingsOut(_Out):
    """Questions that many ask now, the most asked first."""

    questions: list[RisingOut]


@router.get("/rising")
def list_rising(forum: ReviewForum, sessions: Sessions) -> RisingsOut:
    """Return the questions that many ask now, confirmed as the same or not."""
    with sessions.begin() as session:
        found = rising.rising(session, forum.id)
    return RisingsOut(
        questions=[
            RisingOut(
                id=one.external_id,
                title=one.title,
                url=one.url,
                asked=one.asked,
                window_hours=one.window_h,
            )
            for one in found
        ]
    )


class RisingIn(BaseModel):
    """When a question counts as rising."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    asked: Annotated[StrictInt, Field(ge=2, le=10_000)]
    window_hours: Annotated[StrictFloat | StrictInt, Field(ge=0.01, le=24 * 30)]


@router.put("/rising", dependencies=[Depends(only_json)])
def choose_rising(forum: AdminForum, sessions: Sessions, body: RisingIn) -> RisingIn:
    """Choose how many askers within how many hours make a question rise."""
    with sessions.begin() as session:
        forums.update_forum(
            session,
            forum.name,
            rising_count=body.asked,
            rising_window_h=float(body.window_hours),
        )
    return body
