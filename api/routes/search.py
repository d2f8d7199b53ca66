"""Which questions of a forum are looked at as earlier ones."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from api.deps import AdminForum, ReadForum, Sessions, only_json
from api.http.texts import CheckedRoute
from db.rows import Within
from db.tenants import forums

router = APIRouter(prefix="/v1/forums/{forum}/search", tags=["forums"], route_class=CheckedRoute)


class SearchScopeIn(BaseModel):
    """Which questions are searched for earlier ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    days: Annotated[StrictInt, Field(ge=1, le=36_600)] | None = Field(
        default=None, description="Only those asked within this many days; null: all"
    )
    within: Within = Field(
        default=Within.FORUM, strict=False, description="Only those of the same category or author"
    )


@router.get("")
def get_search_scope(forum: ReadForum, sessions: Sessions) -> SearchScopeIn:
    """Return which questions are searched for earlier ones."""
    with sessions.begin() as session:
        scope = forums.get_forum(session, forum.name).scope
    return SearchScopeIn(days=scope.days, within=scope.within)


@router.put("", dependencies=[Depends(only_json)])
def choose_search_scope(
    forum: AdminForum, sessions: Sessions, body: SearchScopeIn
) -> SearchScopeIn:
    """Choose which questions are searched for earlier ones, for checks and new questions."""
    with sessions.begin() as session:
        forums.update_forum(session, forum.name, search_days=body.days, search_within=body.within)
    return body
