"""What the forum is to carry out: listed, and confirmed when it is done."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from api.deps import ReadForum, Sessions, SubmitForum, only_json
from api.http.openapi import conflict
from api.http.texts import CheckedRoute
from db.acting import objections
from db.actions import actions, settling
from db.actions.actions import REASON_LENGTH, ActionFilter
from db.actions.rows import ActionRow, ActionState, Kind
from db.outbox.deliveries import objection_path

_ID = r"^[1-9]\d{0,17}$"

router = APIRouter(prefix="/v1/forums/{forum}/actions", tags=["actions"], route_class=CheckedRoute)

_Id = Annotated[str, Path(pattern=_ID)]
_States = Annotated[
    list[ActionState], Query(alias="state", description="May be repeated; without it `open`")
]
_After = Annotated[str | None, Query(pattern=_ID, description="`next` of the page before")]
_Limit = Annotated[int, Query(ge=1, le=500)]
_Upcoming = Annotated[
    bool, Query(description="Also those that are not due yet, or that wait for another one")
]


class ActionOut(BaseModel):
    """Something that the forum is to do about one of its questions."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: Kind
    question_id: str
    question_url: str | None
    canonical_id: str | None = Field(description="The question to link to; null to reopen")
    canonical_url: str | None
    pair_id: str | None
    reason: str | None = Field(description="Why it failed, or is no longer to be done")
    due_at: datetime
    state: ActionState
    objection_path: str = Field(
        description="Below the service's address: a page on which the asker may object"
    )

    @classmethod
    def of(cls, row: ActionRow) -> Self:
        """Return an action as the API shows it."""
        same = set(cls.model_fields) - {"id", "pair_id", "objection_path"}
        return cls(
            id=str(row.id),
            pair_id=str(row.pair_id) if row.pair_id is not None else None,
            objection_path=objection_path(row.token),
            **{name: getattr(row, name) for name in same},
        )


class ActionsOut(BaseModel):
    """A page of actions, and the cursor of the next page."""

    model_config = ConfigDict(frozen=True)

    actions: list[ActionOut]
    next: str | None


class ConfirmIn(BaseModel):
    """What the forum did."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    state: Literal["applied", "failed", "reverted"] = Field(
        description="`reverted`: the forum's people have undone it, or refuse it"
    )
    reason: Annotated[StrictStr, Field(max_length=REASON_LENGTH)] = ""


@router.get("")
def list_actions(
    *,
    forum: SubmitForum,
    sessions: Sessions,
    states: _States = [ActionState.OPEN],  # noqa: B006  # FastAPI copies it
    upcoming: _Upcoming = False,
    after: _After = None,
    limit: _Limit = 100,
) -> ActionsOut:
    """Return the actions that are due, in the order in which to carry them out.

    Confirmed actions leave the list, so begin each round without `after`.
    """
    where = ActionFilter(states=states, is_due=not upcoming)
    with sessions.begin() as session:
        settling.settle(session, forum.id)
        found = actions.list_actions(
            session, forum.id, where=where, after=int(after) if after else None, limit=limit + 1
        )
    page = found[:limit]
    return ActionsOut(
        actions=[ActionOut.of(row) for row in page],
        next=str(page[-1].id) if len(found) > limit else None,
    )


@router.get("/{action_id}")
def get_action(forum: SubmitForum, sessions: Sessions, action_id: _Id) -> ActionOut:
    """Return an action."""
    with sessions.begin() as session:
        return ActionOut.of(actions.get(session, forum.id, int(action_id)))


@router.post(
    "/{action_id}/retry", responses=conflict("It did not fail, or a newer action replaced it")
)
def retry_action(forum: ReadForum, sessions: Sessions, action_id: _Id) -> ActionOut:
    """Make an action due again that the forum could not carry out."""
    with sessions.begin() as session:
        return ActionOut.of(actions.send_again(session, forum.id, int(action_id)))


@router.post("/{action_id}", dependencies=[Depends(only_json)])
def confirm_action(
    forum: SubmitForum, sessions: Sessions, action_id: _Id, body: ConfirmIn
) -> ActionOut:
    """Confirm that an action is done, or say why not; the same call again changes nothing.

    After `reverted` the service does nothing more about the question by itself,
    and its pair waits for people again.
    """
    with sessions.begin() as session:
        row = objections.confirm(
            session, forum.id, int(action_id), ActionState(body.state), reason=body.reason
        )
    return ActionOut.of(row)
