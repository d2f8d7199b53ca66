"""The review page: the queue, the shown pair, and decisions on it."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, Response

from api.console.entering.access import AReviewer, ConsoleRoute, Reviewer
from api.console.rendering.render import page
from api.console.reviewing.deciding import answer
from api.console.reviewing.entry_stage import find_entry_stage
from api.console.reviewing.listing import list_items
from api.console.reviewing.seen import seen_now
from api.console.reviewing.stage import build_second_stage, build_stage
from api.console.view import frame, read_view
from api.deps import Sessions
from api.http.traced import follow_flags
from api.http.under import here
from db.deciding import decisions
from db.deciding.decisions import NOTE_LENGTH, Verdict
from db.review import attention
from db.review import queue as review
from db.rows import PairStatus
from db.tenants import people
from db.vectors import models
from db.vectors.rows import ModelKind

router = APIRouter(
    prefix="/console/{forum}", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)


@router.get("/review")
def next_entry(request: Request, reviewer: AReviewer, sessions: Sessions) -> Response:
    """Show the queue with its first entry that nobody else has claimed."""
    return _review(request, reviewer, sessions, None)


@router.get("/review/{pair_id}")
def one_pair(
    *,
    request: Request,
    reviewer: AReviewer,
    sessions: Sessions,
    pair_id: int,
    single: bool = False,
) -> Response:
    """Show the queue with the entry of this pair, or with *single* the pair alone."""
    return _review(request, reviewer, sessions, str(pair_id), single=single)


@router.get("/second/{opinion_id}")
def one_opinion(
    request: Request, reviewer: AReviewer, sessions: Sessions, opinion_id: int
) -> Response:
    """Show the queue with a pair for a second opinion."""
    return _review(request, reviewer, sessions, f"s{opinion_id}")


def _review(
    request: Request,
    reviewer: Reviewer,
    sessions: Sessions,
    key: str | None,
    *,
    single: bool = False,
) -> Response:
    with sessions.begin() as session:
        seen = seen_now(session, reviewer.forum.id)  # before all else that the page shows
        view = read_view(request.query_params, reviewer)
        context = frame(session, reviewer, active="review") | {"seen": seen}
        context |= list_items(session, reviewer, view)
        context |= _filters(session, reviewer)
        context["matching"] = (
            review.count_pairs(session, reviewer.forum.id, view.where)
            if view.is_filtered
            else context["waiting"]
        )
        free = [item for item in context["items"] if item.claimed_by is None]
        current = key or (free[0].key if free else None)
        context["current"] = current
        if current is not None:
            context |= _stage(session, reviewer, current, single=single)
        context["skipped"] = review.count_skipped(session, reviewer.forum.id, reviewer.name)
    return page("review.html", **context)


def _stage(
    session: Session, reviewer: Reviewer, key: str, *, single: bool = False
) -> dict[str, Any]:
    if key.startswith("s"):
        return build_second_stage(session, reviewer, int(key[1:]))
    found = None if single else find_entry_stage(session, reviewer, int(key))
    return found or build_stage(session, reviewer, int(key))


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
    *,
    request: Request,
    reviewer: AReviewer,
    sessions: Sessions,
    after: Annotated[int | None, Query(ge=0)] = None,
    told: Annotated[int, Query(ge=0)] = 0,
) -> HTMLResponse:
    """Return the next entries of the list, only its items."""
    with sessions.begin() as session:
        view = read_view(request.query_params, reviewer)
        items = list_items(session, reviewer, view, after=after, told=told)
    return page("_items.html", **items, current=None)


@router.get("/pairs/{pair_id}/stage")
def stage(
    reviewer: AReviewer, sessions: Sessions, pair_id: int, *, single: bool = False
) -> HTMLResponse:
    """Return only the stage: the part of the page with the pair."""
    return _stage_page(reviewer, sessions, str(pair_id), single=single)


@router.get("/second/{opinion_id}/stage")
def second_stage(reviewer: AReviewer, sessions: Sessions, opinion_id: int) -> HTMLResponse:
    """Return only the stage of a second opinion."""
    return _stage_page(reviewer, sessions, f"s{opinion_id}")


def _stage_page(
    reviewer: Reviewer, sessions: Sessions, key: str, *, single: bool = False
) -> HTMLResponse:
    with sessions.begin() as session:
        context = _stage(session, reviewer, key, single=single)
    context |= {"base": here(f"/console/{reviewer.forum.name}"), "csrf": reviewer.visitor.csrf}
    return page(context["stage_template"], **context)


@router.post("/release")
def release(reviewer: AReviewer, sessions: Sessions) -> Response:
    """End this person's claims."""
    with sessions.begin() as session:
        attention.release(session, reviewer.forum.id, holder=reviewer.name)
    return Response(status_code=HTTPStatus.NO_CONTENT)


class DecisionForm(BaseModel):
    """The form of a pair."""

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
    """Save a decision and answer with it; without a script, show the next pair."""
    verdict = Verdict(
        status=form.status,
        version=form.version,
        canonical_id=form.canonical if form.status is PairStatus.DUPLICATE else None,
        note=form.note,
        merge=form.merge,
    )
    with sessions.begin() as session:
        done = decisions.decide(session, reviewer.forum.id, pair_id, verdict, actor=reviewer.name)
        follow_flags(session, [pair_id])
    undo_path = f"/decisions/{done.id}/undo"
    return answer(request, reviewer, {"undo": undo_path, "group": done.group_id})


@router.post("/decisions/{decision_id}/undo")
def undo(request: Request, reviewer: AReviewer, sessions: Sessions, decision_id: int) -> Response:
    """Undo a decision."""
    with sessions.begin() as session:
        done = decisions.undo(session, reviewer.forum.id, decision_id, **reviewer.signature)
    path = f"review/{done.pair_id}"
    return answer(request, reviewer, {"pair": done.pair_id}, path=path)
