"""A forum's connector: how its software and the service reach each other."""

from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StrictStr
from starlette.concurrency import run_in_threadpool

from api.deps import AdminForum, AllServices, Services, Sessions, only_json
from api.http.clients import base_url
from api.http.look_up import callable_url
from api.http.openapi import conflict
from api.http.texts import CheckedRoute
from db.connecting import connectors
from db.connecting.connectors import Backfill, ConnectorKind, ConnectorRow, Mode, Wanted
from db.errors import InvalidInputError
from db.tenants.rows import ForumRow
from worker.connectors import shapes
from worker.delivery.addresses import URL_LENGTH

router = APIRouter(
    prefix="/v1/forums/{forum}/connector", tags=["connector"], route_class=CheckedRoute
)

_CategoryId = Annotated[int, Field(ge=1, lt=2**63)]
_Short = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class ConnectorIn(BaseModel):
    """How a forum's software is reached, or where its messages hold a question's fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: ConnectorKind = Field(strict=False)
    url: Annotated[StrictStr, Field(min_length=1, max_length=URL_LENGTH)] | None = Field(
        default=None,
        description="Discourse: its address, https",
        examples=["https://forum.example"],
    )
    api_key: _Short | None = Field(
        default=None, description="Discourse; without it the stored one stays"
    )
    api_user: _Short | None = Field(default=None, description="Discourse: who acts; `system`")
    mode: Mode = Field(default=Mode.CLOSE, strict=False, description="`note`: only a staff note")
    tag: _Short | None = Field(default=None, description="Discourse: tag of closed topics")
    categories: list[_CategoryId] = Field(
        default=[],
        max_length=1_000,
        description="Discourse: numbers of the categories that everybody may read; empty: all",
    )
    paths: dict[str, _Short] = Field(
        default={}, description="Generic: JSONPaths of `id`, `title`, `body`, `deleted` and others"
    )


class ConnectorOut(BaseModel):
    """A connector, without the forum's API key."""

    model_config = ConfigDict(frozen=True)

    kind: ConnectorKind
    url: str | None
    api_user: str | None
    mode: Mode
    tag: str | None
    categories: list[int]
    paths: dict[str, str]
    hook_url: str = Field(description="Where the forum's software sends its messages")
    secret: str | None = Field(
        description="The secret with which it signs them; shown when it is made or changed"
    )
    backfill: Backfill
    read: int = Field(description="Old questions read so far")
    error: str | None = Field(description="Why the forum could not be called last")

    @classmethod
    def of(cls, row: ConnectorRow, hook_url: str, *, secret: str | None = None) -> Self:
        """Return a stored connector as the API shows it."""
        same = set(cls.model_fields) - {"hook_url", "paths", "secret"}
        values = {name: getattr(row, name) for name in same}
        return cls(hook_url=hook_url, paths=dict(row.paths), secret=secret, **values)


def _hook_url(request: Request, services: Services, forum: ForumRow, kind: str) -> str:
    return f"{base_url(request, services.settings)}/v1/forums/{forum.name}/hooks/{kind}"


@router.get("")
def get_connector(forum: AdminForum, services: AllServices, request: Request) -> ConnectorOut:
    """Return the forum's connector; 404 if it has none."""
    with services.sessions.begin() as session:
        row = connectors.get(session, forum.id)
    return ConnectorOut.of(row, _hook_url(request, services, forum, row.kind))


@router.put("", dependencies=[Depends(only_json)])
async def put_connector(
    forum: AdminForum, services: AllServices, request: Request, body: ConnectorIn
) -> ConnectorOut:
    """Make or change the forum's connector; its secret stays the same."""
    url = body.url
    if body.kind is ConnectorKind.GENERIC:
        shapes.check_paths(body.paths)
        if url is not None or body.api_key is not None:
            raise InvalidInputError("a generic connector is not called: it has no url and no key")
        if body.categories:
            raise InvalidInputError("`categories` is for Discourse only: leave it out")
    elif body.paths:
        raise InvalidInputError("`paths` is for generic connectors only: leave it out")
    if url is not None:
        url = (await callable_url(url, services.look_ups)).rstrip("/")
    wanted = Wanted(
        kind=body.kind,
        url=url,
        api_key=body.api_key,
        api_user=body.api_user,
        mode=body.mode,
        tag=body.tag,
        paths=body.paths,
        categories=body.categories,
    )
    row = await run_in_threadpool(_put, services, forum.id, wanted)
    hook_url = _hook_url(request, services, forum, row.kind)
    return ConnectorOut.of(row, hook_url, secret=row.secret)


def _put(services: Services, forum_id: int, wanted: Wanted) -> ConnectorRow:
    with services.sessions.begin() as session:
        return connectors.put(session, forum_id, wanted)


@router.delete("", status_code=204)
def remove_connector(forum: AdminForum, sessions: Sessions) -> None:
    """Remove the connector; the questions that it brought stay."""
    with sessions.begin() as session:
        connectors.remove(session, forum.id)


@router.post("/backfill", responses=conflict("The forum cannot be called"))
def begin_backfill(forum: AdminForum, services: AllServices, request: Request) -> ConnectorOut:
    """Read the forum's old questions, from the first page on, while all other work continues."""
    with services.sessions.begin() as session:
        row = connectors.begin_backfill(session, forum.id)
    return ConnectorOut.of(row, _hook_url(request, services, forum, row.kind))
