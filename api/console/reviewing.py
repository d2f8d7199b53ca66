"""The review page: the queue, the pair on stage, and what a reviewer does to it."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from api.console.access import AReviewer, Console, ConsoleRoute, Reviewer
from api.console.render import page
from api.console.stage import build_stage
from api.console.view import View, frame, read_view
from api.deps import Sessions
from db import attention, decisions, models, people, review
from db.decisions import NOTE_LENGTH, Verdict
from db.review import QueueItem
from db.rows import ModelKind, PairStatus

PAGE = 50

router = APIRouter(
    prefix="/console/{forum}", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)


@router.get("/review")
def next_pair(request: Request, reviewer: AReviewer, sessions: Sessions) -> Response:
    """Show the queue with its first pair that nobody else has on stage."""
    return _review(request, reviewer, sessions, None)


@router.get("/review/{pair_id}")
def one_pair(request: Request, reviewer: AReviewer, sessions: Sessions, pair_id: int) -> Response:
    """Show the queue with this pair on stage."""
    return _review(request, reviewer, sessions, pair_id)


def _review(
    request: Request, reviewer: Reviewer, sessions: Sessions, pair_id: int | None
) -> Response:
    with sessions.begin() as session:
        view = read_view(request.query_params, reviewer)
        context = frame(session, reviewer, active="review")
        context |= _queue(session, reviewer, view)
        context |= _filters(session, reviewer)
        context["matching"] = (
            review.count_pairs(session, reviewer.forum.id, view.where)
            if view.is_filtered
            else context["waiting"]
        )
        claims: dict[int, str] = context["claims"]
        free = [
            i for i in context["items"] if claims.get(i.pair_id, reviewer.name) == reviewer.name
        ]
        current = pair_id or (free[0].pair_id if free else None)
        context["current"] = current
        if current is not None:
            context |= build_stage(session, reviewer, current)
        context["skipped"] = review.count_skipped(session, reviewer.forum.id, reviewer.name)
    return page("review.html", **context)


def _queue(
    session: Session, reviewer: Reviewer, view: View, *, after: int | None = None
) -> dict[str, Any]:
    items: list[QueueItem] = review.list_queue(
        session, reviewer.forum.id, view.where, sort=view.sort, after=after, limit=PAGE
    )
    claims = attention.active_claims(session, reviewer.forum.id)
    return {
        "items": items,
        "claims": claims,
        "view": view,
        "base": f"/console/{reviewer.forum.name}",
        "reviewer": reviewer,
        "current": None,
    }


def _filters(session: Session, reviewer: Reviewer) -> dict[str, Any]:
    rerankers = [m for m in models.list_models(session) if m.kind is ModelKind.RERANKER]
    return {
        "categories": review.categories(session, reviewer.forum.id),
        "rerankers": rerankers,
        "members": people.members(session, reviewer.forum.id),
        "statuses": list(PairStatus),
    }


@router.get("/queue")
def more(
    request: Request, reviewer: AReviewer, sessions: Sessions, after: Annotated[int, Query(ge=0)]
) -> HTMLResponse:
    """Return the next pairs of the list, as its items alone."""
    with sessions.begin() as session:
        view = read_view(request.query_params, reviewer)
        return page("_items.html", **_queue(session, reviewer, view, after=after))


@router.get("/pairs/{pair_id}/stage")
def stage(reviewer: AReviewer, sessions: Sessions, pair_id: int) -> HTMLResponse:
    """Return the stage alone."""
    with sessions.begin() as session:
        context = build_stage(session, reviewer, pair_id)
    context |= {"base": f"/console/{reviewer.forum.name}", "csrf": reviewer.visitor.csrf}
    return page("_stage.html", **context)


@router.post("/pairs/{pair_id}/claim")
def claim(reviewer: AReviewer, sessions: Sessions, console: Console, pair_id: int) -> JSONResponse:
    """Tell colleagues that this pair is on stage here, and that any other no longer is."""
    with sessions.begin() as session:
        attention.release(session, reviewer.forum.id, holder=reviewer.name, keep=[pair_id])
        held = attention.claim(
            session,
            reviewer.forum.id,
            [pair_id],
            holder=reviewer.name,
            lifetime=console.claim_lifetime,
        )
    return JSONResponse({"holder": held.holder, "mine": held.holder == reviewer.name})


@router.post("/release")
def release(reviewer: AReviewer, sessions: Sessions) -> Response:
    """Give back what is on stage here."""
    with sessions.begin() as session:
        attention.release(session, reviewer.forum.id, holder=reviewer.name)
    return Response(status_code=HTTPStatus.NO_CONTENT)


class DecisionForm(BaseModel):
    """What the buttons of the stage send."""

    status: PairStatus
    version: int
    canonical: int | None = None
    note: Annotated[str, Form(max_length=NOTE_LENGTH)] = ""
    merge: bool = False
    back: str = ""


@router.post("/pairs/{pair_id}/decision")
def decide(
    *,
    request: Request,
    reviewer: AReviewer,
    sessions: Sessions,
    pair_id: int,
    form: Annotated[DecisionForm, Form()],
) -> Response:
    """Write a decision and say which it is, or go on where no script is at work."""
    verdict = Verdict(
        status=form.status,
        version=form.version,
        canonical_id=form.canonical if form.status is PairStatus.DUPLICATE else None,
        note=form.note,
        merge=form.merge,
    )
    with sessions.begin() as session:
        done = decisions.decide(session, reviewer.forum.id, pair_id, verdict, actor=reviewer.name)
    return _answer(request, reviewer, {"decision": done.id, "group": done.group_id})


@router.post("/pairs/{pair_id}/skip")
def skip(request: Request, reviewer: AReviewer, sessions: Sessions, pair_id: int) -> Response:
    """Put a pair aside for some hours."""
    with sessions.begin() as session:
        attention.skip(session, reviewer.forum.id, [pair_id], holder=reviewer.name)
    return _answer(request, reviewer, {"skipped": pair_id})


@router.post("/pairs/{pair_id}/unskip")
def unskip(request: Request, reviewer: AReviewer, sessions: Sessions, pair_id: int) -> Response:
    """Take a pair back into the queue."""
    with sessions.begin() as session:
        attention.unskip(session, holder=reviewer.name, pair_ids=[pair_id])
    return _answer(request, reviewer, {"pair": pair_id})


@router.post("/unskip")
def unskip_all(request: Request, reviewer: AReviewer, sessions: Sessions) -> Response:
    """Take all that was put aside back into the queue."""
    with sessions.begin() as session:
        attention.unskip(session, holder=reviewer.name)
    return _answer(request, reviewer, {})


@router.post("/decisions/{decision_id}/undo")
def undo(request: Request, reviewer: AReviewer, sessions: Sessions, decision_id: int) -> Response:
    """Take a decision back."""
    with sessions.begin() as session:
        done = decisions.undo(
            session,
            reviewer.forum.id,
            decision_id,
            actor=reviewer.name,
            is_admin=reviewer.is_admin,
        )
    path = f"review/{done.pair_id}"
    return _answer(request, reviewer, {"pair": done.pair_id}, path=path)


def _answer(
    request: Request, reviewer: Reviewer, data: dict[str, Any], *, path: str = "review"
) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        target = f"/console/{reviewer.forum.name}/{path}"
        return RedirectResponse(target, HTTPStatus.SEE_OTHER)
    return JSONResponse(data)
