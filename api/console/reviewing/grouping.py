"""The pages of the groups, and decisions on many pairs at once."""

from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.console.entering.access import AReviewer, ConsoleRoute, Reviewer
from api.console.rendering import charts, words
from api.console.rendering.diff import mark_words
from api.console.rendering.render import page
from api.console.view import frame, read_view
from api.deps import Sessions
from db.deciding import bulk, by_hand
from db.deciding.bulk import BulkDone
from db.errors import InvalidInputError
from db.faq import ranking, rising
from db.faq.ranking import Ranking
from db.groups import groups
from db.review import queue as review
from db.rows import PairStatus

PAGE = 50
SAMPLE = 8

router = APIRouter(
    prefix="/console/{forum}", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)

_Id = Annotated[int, Form()]
_Named = Annotated[str, Form(min_length=1, max_length=2_000)]


@router.get("/groups")
def list_groups(
    reviewer: AReviewer, sessions: Sessions, before: Annotated[int | None, Query()] = None
) -> Response:
    """Show the forum's groups, the last changed first."""
    with sessions.begin() as session:
        context = frame(session, reviewer, active="groups")
        found = groups.list_groups(session, reviewer.forum.id, before=before, limit=PAGE + 1)
    more = found[PAGE - 1].id if len(found) > PAGE else None
    return page("groups.html", **context, groups=found[:PAGE], more=more)


@router.get("/faq")
def most_asked(
    reviewer: AReviewer,
    sessions: Sessions,
    sort: Ranking = Ranking.SIZE,
    days: Annotated[int, Query(ge=1, le=3_660)] = 7,
) -> Response:
    """Show the largest groups, the fastest growing ones, and rising questions."""
    with sessions.begin() as session:
        context = frame(session, reviewer, active="groups")
        found = ranking.ranked(session, reviewer.forum.id, sort, window_s=days * 86_400, limit=PAGE)
        now = rising.rising(session, reviewer.forum.id)
    return page("faq.html", **context, groups=found, now=now, sort=sort, days=days)


@router.get("/groups/{group_id}")
def one_group(reviewer: AReviewer, sessions: Sessions, group_id: int) -> Response:
    """Show a group with its members, its pairs and its actions."""
    with sessions.begin() as session:
        context = frame(session, reviewer, active="groups")
        group = groups.get_group(session, reviewer.forum.id, group_id)
        others = [
            row
            for row in groups.list_groups(session, reviewer.forum.id, limit=100)
            if row.id != group_id
        ]
    nodes, edges = charts.draw_group(group)
    numbers = {member.id: place for place, member in enumerate(group.members, start=1)}
    return page(
        "group.html",
        **context,
        group=group,
        nodes=nodes,
        edges=edges,
        numbers=numbers,
        others=others,
    )


@router.post("/groups/{group_id}/canonical")
def choose(reviewer: AReviewer, sessions: Sessions, group_id: int, question: _Id) -> Response:
    """Make a question the canonical one."""
    with sessions.begin() as session:
        groups.choose_canonical(session, reviewer.forum.id, group_id, question, actor=reviewer.name)
    return _to(reviewer, f"groups/{group_id}")


@router.post("/groups/{group_id}/take-out")
def take_out(reviewer: AReviewer, sessions: Sessions, group_id: int, question: _Id) -> Response:
    """Take a question out of the group."""
    with sessions.begin() as session:
        done = bulk.take_out(session, reviewer.forum.id, group_id, question, actor=reviewer.name)
    return _done(reviewer, done, "taken out")


@router.get("/groups/{group_id}/join")
def ask_to_join(reviewer: AReviewer, sessions: Sessions, group_id: int, other: int) -> Response:
    """Show both groups and the bridge between them, before they are joined."""
    with sessions.begin() as session:
        context = frame(session, reviewer, active="groups")
        both = [groups.get_group(session, reviewer.forum.id, g) for g in (group_id, other)]
    return page("join.html", **context, both=both)


@router.post("/groups/{group_id}/join")
def join(reviewer: AReviewer, sessions: Sessions, group_id: int, other: _Id) -> Response:
    """Join another group to this one."""
    with sessions.begin() as session:
        done = bulk.join(session, reviewer.forum.id, (group_id, other), actor=reviewer.name)
    return _done(reviewer, done, "joined")


@router.post("/by-hand")
def decide_by_hand(
    *,
    reviewer: AReviewer,
    sessions: Sessions,
    one: _Named,
    other: _Named,
    status: Annotated[PairStatus, Form()],
) -> Response:
    """Decide about two questions that no model found, and show their pair."""
    with sessions.begin() as session:
        done = by_hand.decide(session, reviewer.forum.id, (one, other), status, actor=reviewer.name)
    return _to(reviewer, f"review/{done.pair_id}")


@router.get("/bulk")
def ask_for_all(request: Request, reviewer: AReviewer, sessions: Sessions) -> Response:
    """Show how many pairs match and a sample of them, before one decision for all."""
    forum_id = reviewer.forum.id
    with sessions.begin() as session:
        view = read_view(request.query_params, reviewer)
        context = frame(session, reviewer, active="review")
        stages = [
            review.get_stage(session, forum_id, pair_id)
            for pair_id in bulk.sample(session, forum_id, view.where, size=SAMPLE)
        ]
        context |= {
            "view": view,
            "matching": review.count_pairs(session, forum_id, view.where),
            "up_to": bulk.newest_pair(session, forum_id),
        }
    shown = [(s, *mark_words(s.older.title, s.newer.title)) for s in stages]
    return page("bulk.html", **context, shown=shown, limit=bulk.LIMIT, says=words.likelihood)


@router.post("/bulk")
def decide_all(
    *,
    reviewer: AReviewer,
    sessions: Sessions,
    status: Annotated[PairStatus, Form()],
    up_to: _Id,
    query: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Decide the same on all matching pairs."""
    with sessions.begin() as session:
        view = read_view(dict(parse_qsl(query)), reviewer)
        if not view.is_filtered:
            raise InvalidInputError(
                "choose a filter first: the whole queue cannot be decided at once"
            )
        done = bulk.decide_all(
            session,
            reviewer.forum.id,
            view.where,
            status,
            actor=reviewer.name,
            up_to=up_to,
        )
    return _done(reviewer, done, words.status_words(status))


@router.post("/bulk/{bulk_id}/undo")
def undo_all(reviewer: AReviewer, sessions: Sessions, bulk_id: UUID) -> Response:
    """Undo a whole bulk decision."""
    with sessions.begin() as session:
        done = bulk.undo_all(session, reviewer.forum.id, bulk_id, **reviewer.signature)
    query = urlencode({"undone": done.done, "left": done.left})
    return _to(reviewer, f"history?{query}")


def _done(reviewer: Reviewer, done: BulkDone, said: str) -> Response:
    query: dict[str, Any] = {"bulk": done.bulk, "done": done.done, "left": done.left, "said": said}
    return _to(reviewer, f"history?{urlencode(query)}")


def _to(reviewer: Reviewer, path: str) -> RedirectResponse:
    return RedirectResponse(f"/console/{reviewer.forum.name}/{path}", HTTPStatus.SEE_OTHER)
