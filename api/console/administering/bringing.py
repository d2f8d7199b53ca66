"""Archives sent from the browser: upload, pause, resume, cancel, report, rejected rows."""

import csv
import io
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from api.console.entering.access import AnAdmin, AReviewer, ConsoleRoute, Reviewer
from api.console.rendering.render import page
from api.console.view import frame
from api.deps import AllServices, Sessions
from api.routes.archives import take_in
from db.archives import archives
from db.archives.archives import ArchiveNotFoundError, ArchiveRow, ArchiveState
from db.engine import Sessions as SessionFactory
from db.imports import sightings
from db.work.rows import Lane
from worker.archives.report import make_report
from worker.text.cells import as_cell

_PAGE = 1_000
_TOP_K = 100

router = APIRouter(
    prefix="/console/{forum}/archives",
    route_class=ConsoleRoute,
    include_in_schema=False,
    tags=["console"],
)


@router.post("")
async def upload(
    *,
    admin: AnAdmin,
    services: AllServices,
    request: Request,
    name: Annotated[str, Query(min_length=1, max_length=200)],
) -> JSONResponse:
    """Import the file that is the body of the request."""
    archive_id = await take_in(
        services, admin.forum, request, name=name, form=None, chosen={}, top_k=_TOP_K
    )
    return JSONResponse({"archive": archive_id}, HTTPStatus.ACCEPTED)


@router.post("/{archive_id}/pause")
def pause(admin: AnAdmin, sessions: Sessions, archive_id: int) -> Response:
    """Pause an archive."""
    return _set(admin, sessions, archive_id, ArchiveState.PAUSED)


@router.post("/{archive_id}/resume")
def resume(admin: AnAdmin, services: AllServices, archive_id: int) -> Response:
    """Continue a paused archive."""
    answer = _set(admin, services.sessions, archive_id, ArchiveState.RUNNING)
    services.queue.wake(Lane.ARCHIVE)
    return answer


@router.post("/{archive_id}/cancel")
def cancel(admin: AnAdmin, sessions: Sessions, archive_id: int) -> Response:
    """End an archive early."""
    return _set(admin, sessions, archive_id, ArchiveState.CANCELLED)


@router.get("/{archive_id}/report")
def report(reviewer: AReviewer, sessions: Sessions, archive_id: int) -> Response:
    """Show what was found in an archive, what was kept out, and what was missed."""
    with sessions.begin() as session:
        row = _get(reviewer, session, archive_id)
        context = frame(session, reviewer, active="archives")
        made = make_report(session, archive_id)
    return page("archive.html", **context, archive=row, report=made)


@router.get("/{archive_id}/rejects.csv")
def rejects(reviewer: AReviewer, sessions: Sessions, archive_id: int) -> Response:
    """Return the first rows that could not be read, with line and reason."""
    with sessions.begin() as session:
        row = _get(reviewer, session, archive_id)
    lines = [(str(one["line"]), as_cell(str(one["reason"]))) for one in row.rejects]
    return _csv(f"archive-{archive_id}-rejects.csv", iter([_lines([("line", "reason"), *lines])]))


@router.get("/{archive_id}/gone.csv")
def gone(reviewer: AReviewer, sessions: Sessions, archive_id: int) -> Response:
    """Return the ids of the questions that were in the previous archive and are not in this one."""
    with sessions.begin() as session:
        row = _get(reviewer, session, archive_id)
    return _csv(f"archive-{archive_id}-gone.csv", _gone(sessions, row))


def _gone(sessions: SessionFactory, row: ArchiveRow) -> Iterator[str]:
    yield "id\n"
    after = 0
    while True:
        with sessions.begin() as session:
            found = sightings.gone(session, row.forum_id, row.id, after=after, limit=_PAGE)
        yield _lines((as_cell(name),) for _, name in found)
        if len(found) < _PAGE:
            return
        after = found[-1][0]


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _csv(name: str, lines: Iterator[str]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def _get(reviewer: Reviewer, session: Session, archive_id: int) -> ArchiveRow:
    row = archives.get(session, archive_id)
    if row.forum_id != reviewer.forum.id:
        raise ArchiveNotFoundError(archive_id)
    return row


def _set(
    admin: Reviewer, sessions: SessionFactory, archive_id: int, state: ArchiveState
) -> Response:
    with sessions.begin() as session:
        _get(admin, session, archive_id)
        archives.set_state(session, archive_id, state)
    return RedirectResponse(f"/console/{admin.forum.name}/archives", HTTPStatus.SEE_OTHER)
