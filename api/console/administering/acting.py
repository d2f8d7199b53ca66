"""The Actions page: what the forum is to do, what failed there, and how far the service may go."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from api.console.entering.access import AnAdmin, AReviewer, ConsoleRoute, Reviewer
from api.console.rendering.render import page
from api.console.view import frame
from api.deps import Sessions
from db.acting.ladder import LONGEST_GRACE_H, Ladder
from db.actions import actions, settling, vetoes
from db.actions.actions import ActionFilter
from db.actions.rows import ActionState
from db.rows import Rung
from db.tenants import forums
from worker import acting

SHOWN = 100
RUNGS = {
    Rung.LOG: "Only log: pairs are recorded and shown to nobody",
    Rung.LABEL: "Label: the forum labels the later question",
    Rung.SUGGEST: "Suggest: the forum tells the asker of the earlier question",
    Rung.QUEUE: "Queue: people decide, and what they confirm is closed",
    Rung.ACT: "Act alone: the service also closes where the decisions prove that it is right",
}

router = APIRouter(
    prefix="/console/{forum}/actions",
    route_class=ConsoleRoute,
    include_in_schema=False,
    tags=["console"],
)


@router.get("")
def show(reviewer: AReviewer, sessions: Sessions, saved: str = "") -> Response:
    """Show failed actions, due actions, and the ladder."""
    forum_id = reviewer.forum.id
    with sessions.begin() as session:
        settling.settle(session, forum_id)
        context = frame(session, reviewer, active="actions")
        context["forum"] = forum = forums.get_forum(session, reviewer.forum.name)
        lists = {
            state: actions.list_actions(
                session,
                forum_id,
                where=ActionFilter(states=[state], is_due=False),
                limit=SHOWN,
                newest_first=state is not ActionState.OPEN,
            )
            for state in (ActionState.FAILED, ActionState.OPEN, ActionState.APPLIED)
        }
        objections = vetoes.latest(session, forum_id, limit=20)
        certified = acting.certify(session, forum, forum.wanted_precision)
    return page(
        "actions.html",
        **context,
        lists=lists,
        objections=objections,
        certified=certified,
        rungs=RUNGS,
        longest=LONGEST_GRACE_H,
        saved=bool(saved),
    )


@router.post("/ladder")
def choose(
    *,
    admin: AnAdmin,
    sessions: Sessions,
    rung: Annotated[Rung, Form()],
    grace_hours: Annotated[float, Form()],
    percent: Annotated[float, Form()],
) -> Response:
    """Choose how far the service may go."""
    wanted = Ladder(rung=rung, grace_h=grace_hours, wanted_precision=percent / 100)
    with sessions.begin() as session:
        acting.choose_ladder(session, admin.forum.name, wanted, actor=admin.name)
    return _back(admin, "?saved=1")


@router.post("/{action_id}/again")
def send_again(reviewer: AReviewer, sessions: Sessions, action_id: int) -> Response:
    """Make an action due again after the forum could not carry it out."""
    with sessions.begin() as session:
        actions.send_again(session, reviewer.forum.id, action_id)
    return _back(reviewer)


def _back(reviewer: Reviewer, query: str = "") -> RedirectResponse:
    path = f"/console/{reviewer.forum.name}/actions{query}"
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
