"""The History page: who decided what and when, and the export as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from api.console.entering.access import AReviewer, ConsoleRoute
from api.console.rendering.render import page
from api.console.view import frame
from api.deps import Sessions
from db.deciding import opinions
from db.engine import Sessions as SessionFactory
from db.review import insight
from db.tenants import people
from worker.text.cells import as_cell

PAGE = 50
EXPORT_PAGE = 1_000
_FIRST_DAY, _LAST_DAY = date(1990, 1, 1), date(2200, 1, 1)

router = APIRouter(
    prefix="/console/{forum}", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)


@router.get("/history")
def history(
    *,
    request: Request,
    reviewer: AReviewer,
    sessions: Sessions,
    actor: str = "",
    day: str = "",
    before: Annotated[int | None, Query()] = None,
) -> Response:
    """Show decisions, the latest first."""
    with sessions.begin() as session:
        context = frame(session, reviewer, active="history")
        found = insight.history(
            session,
            reviewer.forum.id,
            actor=actor or None,
            day=_day(day),
            before=before,
            limit=PAGE + 1,
        )
        members = people.members(session, reviewer.forum.id)
        differing = opinions.list_differing(session, reviewer.forum.id, **reviewer.signature)
    more = found[PAGE - 1].id if len(found) > PAGE else None
    return page(
        "history.html",
        **context,
        rows=found[:PAGE],
        members=members,
        differing_rows=differing,
        actor=actor,
        day=day,
        more=more,
        news=_news(request.query_params),
    )


def _news(params: Mapping[str, str]) -> dict[str, str]:
    # A link made by another person must not change what the undo of this page does.
    try:
        UUID(params.get("bulk", ""))
    except ValueError:
        return {name: params[name] for name in ("undone", "left") if params.get(name, "").isdigit()}
    return {name: params.get(name, "")[:60] for name in ("bulk", "done", "left", "said")}


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_DAY <= day <= _LAST_DAY else None


@router.get("/history/training-pairs.csv")
def training_pairs(reviewer: AReviewer, sessions: Sessions) -> StreamingResponse:
    """Return the decisions as labelled pairs for training."""
    name = f"{reviewer.forum.name}-decisions.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    rows = csv_of(sessions, reviewer.forum.id)
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


def csv_of(sessions: SessionFactory, forum_id: int) -> Iterator[str]:
    """Yield the labelled pairs of a forum as lines of CSV, after the header.

    No transaction is open while a slow reader takes the lines.
    """
    yield _lines([("question1", "question2", "is_duplicate")])
    after = 0
    while True:
        with sessions.begin() as session:
            pairs = insight.training_pairs(session, forum_id, after=after, limit=EXPORT_PAGE)
        if not pairs:
            return
        after = pairs[-1].pair_id
        yield _lines(
            (as_cell(pair.question1), as_cell(pair.question2), str(int(pair.is_duplicate)))
            for pair in pairs
        )


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return lines.getvalue()
