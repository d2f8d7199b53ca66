"""Whole archives: upload, progress, pause, resume, cancel."""

import os
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from typing import IO, Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Query, Request, Response, status
from pydantic import BaseModel, Field
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from api.deps import AllServices, Caller, ReadForum, Services, Sessions, SubmitForum
from api.http.errors import ForbiddenError
from api.http.openapi import conflict, refusals
from api.http.texts import CheckedRoute
from api.uploading.how_read import how_read
from api.uploading.loading import Reader
from db.archives import archives
from db.archives import units as archive_units
from db.archives.archives import ArchiveNotFoundError, ArchiveRow, ArchiveState
from db.archives.units import StageProgress
from db.engine import Sessions as SessionFactory
from db.errors import InvalidInputError
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from worker.archives.load_job import Format, LoadJob

router = APIRouter(prefix="/v1", tags=["archives"], route_class=CheckedRoute)

_ENDED = conflict("The archive has ended")
_REFUSED = refusals(
    {
        HTTPStatus.REQUEST_TIMEOUT: "The body came too slowly",
        HTTPStatus.CONFLICT: "The archive was paused or cancelled while it was read",
        HTTPStatus.INSUFFICIENT_STORAGE: "The disk of the service or of its database is full",
    }
)


class RejectOut(BaseModel):
    """A row that could not be read."""

    line: int
    reason: str


class StageOut(BaseModel):
    """The progress of one stage."""

    stage: str
    done: int
    total: int
    found: int
    work_s: float = Field(description="Seconds of work by all workers together")
    rate: float = Field(description="Done in a second by all workers lately; breaks are left out")
    eta_s: float | None = Field(
        description="About how many seconds are left; null while nobody works on it"
    )


class ArchiveOut(BaseModel):
    """An archive and its progress."""

    id: int
    forum: str
    name: str
    format: str
    state: ArchiveState
    error: str | None = Field(description="Why reading its file failed")
    stage: str
    read: int
    created: int
    changed: int
    unchanged: int
    rejected: int
    rejects: list[RejectOut] = Field(description="The first rows that could not be read")
    counts: dict[str, int] = Field(
        description="Further counts: `hidden`: rows that the forum shows to nobody; `hidden_now`:"
        " those of them that were stored; `erased`: erased earlier; `older`: older than the stored"
        " version; `gone`: missing since the last archive of this name; `gone_erased`: erased"
        " because they are gone"
    )
    progress: list[StageOut]
    created_at: datetime
    finished_at: datetime | None


_Name = Annotated[str, Query(min_length=1, max_length=200, description="Name of the archive")]
_Format = Annotated[
    Format | None, Query(alias="format", description="Format, if it is detected wrongly")
]
_Map = Annotated[
    list[str], Query(alias="map", description="FIELD=COLUMN, such as title=subject; repeatable")
]
_TopK = Annotated[int, Query(ge=1, le=1_000, description="Candidates of each question")]
_DeleteMissing = Annotated[
    bool,
    Query(description="Erase questions of earlier archives of this name that this one lacks"),
]
_WithErased = Annotated[bool, Query(description="Bring back questions that were erased")]

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        "description": "The file as it is: NDJSON, CSV, TSV, JSON, Parquet, SQL dump, mbox,"
        " Posts.xml or a list of questions, plain or packed with gzip, zstd, xz, bzip2, zip, tar"
        " or 7z",
    }
}


@router.post(
    "/forums/{forum}/archives",
    status_code=status.HTTP_202_ACCEPTED,
    openapi_extra=_BODY,
    responses=_REFUSED,
)
async def upload_archive(  # noqa: PLR0913  # each is a parameter of the query
    *,
    forum: SubmitForum,
    services: AllServices,
    request: Request,
    response: Response,
    name: _Name = "upload",
    form: _Format = None,
    columns: _Map = [],  # noqa: B006  # FastAPI copies it
    reading: Annotated[dict[str, Any], Depends(how_read)],
    top_k: _TopK = 100,
    delete_missing: _DeleteMissing = False,
    with_erased: _WithErased = False,
) -> ArchiveOut:
    """Import an archive; the answer comes when its questions are stored, mining goes on after it.

    If you send it again after a broken connection, questions that are stored already are skipped.
    """
    archive_id = await take_in(
        services,
        forum,
        request,
        name=name,
        form=form,
        chosen=_mapping(columns),
        reading=reading,
        top_k=top_k,
        delete_missing=delete_missing,
        with_erased=with_erased,
    )
    answer = await run_in_threadpool(_answer, services.sessions, archive_id, [forum])
    response.headers["Location"] = f"/v1/archives/{answer.id}"
    return answer


async def take_in(services: Services, forum: ForumRow, request: Request, **asked: Any) -> int:
    """Store the archive that is the body of *request* and return its id.

    *asked* are the options of the import. It returns when the questions are stored; mining follows.
    """
    uploads, settings = services.uploads, services.settings
    until = anyio.current_time() + settings.upload_time_limit_s
    with uploads.slot(forum.id):
        async with uploads.received(request) as file:
            reader = Reader(
                services.sessions,
                uploads.threads,
                time_limit_s=until - anyio.current_time(),
                silence_limit_s=settings.upload_silence_s,
            )
            archive_id = await reader.read(_job(services, forum, file, **asked))
    await run_in_threadpool(services.queue.wake, Lane.ARCHIVE)
    return archive_id


@router.get("/forums/{forum}/archives")
def list_archives(forum: ReadForum, sessions: Sessions) -> list[ArchiveOut]:
    """Return the forum's archives, the newest first."""
    with sessions.begin() as session:
        rows = archives.list_archives(session, forum.id)
        return [_out(row, forum.name, archive_units.progress(session, row.id)) for row in rows]


@router.get("/archives/{archive_id}")
def get_archive(archive_id: int, caller: Caller, sessions: Sessions) -> ArchiveOut:
    """Return an archive with its counts, rates and what is left to do."""
    return _answer(sessions, archive_id, caller.forums.values())


@router.post("/archives/{archive_id}/pause", responses=_ENDED)
def pause_archive(archive_id: int, caller: Caller, sessions: Sessions) -> ArchiveOut:
    """Pause an archive after the units that are being worked on."""
    return _change(sessions, archive_id, caller, ArchiveState.PAUSED)


@router.post("/archives/{archive_id}/resume", responses=_ENDED)
def resume_archive(archive_id: int, caller: Caller, services: AllServices) -> ArchiveOut:
    """Continue a paused archive."""
    answer = _change(services.sessions, archive_id, caller, ArchiveState.RUNNING)
    services.queue.wake(Lane.ARCHIVE)
    return answer


@router.post("/archives/{archive_id}/cancel", responses=_ENDED)
def cancel_archive(archive_id: int, caller: Caller, sessions: Sessions) -> ArchiveOut:
    """End an archive early; its questions, and the pairs found so far, stay."""
    return _change(sessions, archive_id, caller, ArchiveState.CANCELLED)


def _mapping(columns: list[str]) -> dict[str, str]:
    chosen = {}
    for one in columns:
        field, sign, column = one.partition("=")
        if not sign:
            raise InvalidInputError(f"map={one}: must be FIELD=COLUMN")
        chosen[field] = column
    return chosen


def _job(
    services: Services,
    forum: ForumRow,
    file: IO[bytes],
    **asked: Any,
) -> LoadJob:
    engine = services.sessions.kw["bind"]
    if not isinstance(engine, Engine):
        raise TypeError("another process cannot take part in a transaction of this one")
    return LoadJob(
        fd=file.fileno(),
        parent=os.getpid(),
        database_url=engine.url.render_as_string(hide_password=False),
        forum=forum.name,
        **asked,
        memory_bytes=services.settings.upload_memory_bytes,
        disk_bytes=services.settings.max_archive_bytes,
    )


def _change(
    sessions: SessionFactory, archive_id: int, caller: Caller, state: ArchiveState
) -> ArchiveOut:
    if caller.key.scopes.isdisjoint({"submit", "admin"}):
        raise ForbiddenError("this needs a key with the scope submit or admin")
    _answer(sessions, archive_id, caller.forums.values())
    with sessions.begin() as session:
        archives.set_state(session, archive_id, state)
    return _answer(sessions, archive_id, caller.forums.values())


def _answer(sessions: SessionFactory, archive_id: int, allowed: Iterable[ForumRow]) -> ArchiveOut:
    names = {forum.id: forum.name for forum in allowed}
    with sessions.begin() as session:
        row = archives.get(session, archive_id)
        if row.forum_id not in names:
            raise ArchiveNotFoundError(archive_id)
        return _out(row, names[row.forum_id], archive_units.progress(session, archive_id))


def _out(row: ArchiveRow, forum: str, progress: list[StageProgress]) -> ArchiveOut:
    return ArchiveOut(
        id=row.id,
        forum=forum,
        name=row.name,
        format=row.form,
        state=row.state,
        error=row.error,
        stage=row.stage,
        read=row.position,
        created=row.created,
        changed=row.changed,
        unchanged=row.unchanged,
        rejected=row.rejected,
        counts=dict(row.counts),
        rejects=[RejectOut.model_validate(one) for one in row.rejects],
        progress=[
            StageOut(
                stage=one.stage,
                done=one.size_done,
                total=one.size,
                found=one.found,
                work_s=round(one.took_s, 2),
                rate=round(one.rate, 2),
                eta_s=one.left_s,
            )
            for one in progress
        ],
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
