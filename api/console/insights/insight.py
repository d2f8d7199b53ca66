"""The Insight page, and the page with the archives' progress."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from api.console.entering.access import AnAdmin, AReviewer, ConsoleRoute
from api.console.rendering import charts
from api.console.rendering.render import page
from api.console.view import frame
from api.deps import Sessions
from db.archives import archives
from db.archives import units as archive_units
from db.asking import outcomes
from db.deciding import opinions
from db.review import insight
from worker.scoring.proof import wilson

WIDTH, HEIGHT = 900, 160

router = APIRouter(
    prefix="/console/{forum}", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)


@router.get("/insight")
def show(reviewer: AReviewer, sessions: Sessions) -> Response:
    """Show the figures of the reviewing."""
    with sessions.begin() as session:
        context = frame(session, reviewer, active="insight")
        found = insight.summary(session, reviewer.forum.id)
        second = opinions.tally(session, reviewer.forum.id)
        asked = outcomes.fates(session, reviewer.forum.id)
        under_way = [
            archive
            for archive in archives.list_archives(session, reviewer.forum.id)
            if archive.state == archives.ArchiveState.RUNNING
        ]
    days = [(f"{day:%d %b}", count) for day, count in found.per_day]
    return page(
        "insight.html",
        **context,
        summary=found,
        second=second,
        asked=asked,
        most=int(opinions.MOST * 100),
        total=sum(count for _, count in days),
        columns=charts.bars(days, width=WIDTH, height=HEIGHT, gap=4),
        people=charts.bars(found.by_person, width=1, height=100),
        categories=[(one, wilson(one.right, one.judged)) for one in found.categories],
        under_way=under_way,
    )


@router.post("/insight/second-opinions")
def choose_share(
    admin: AnAdmin, sessions: Sessions, percent: Annotated[float, Form()]
) -> RedirectResponse:
    """Set the share of the decisions for which a second opinion is asked."""
    with sessions.begin() as session:
        opinions.set_share(session, admin.forum.id, percent / 100)
    return RedirectResponse(f"/console/{admin.forum.name}/insight", HTTPStatus.SEE_OTHER)


@router.get("/archives")
def show_archives(reviewer: AReviewer, sessions: Sessions) -> Response:
    """Show the archives and their progress."""
    with sessions.begin() as session:
        context = frame(session, reviewer, active="archives")
        found = [
            (archive, archive_units.progress(session, archive.id))
            for archive in reversed(archives.list_archives(session, reviewer.forum.id))
        ]
    return page("archives.html", **context, archives=found)
