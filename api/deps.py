"""Dependencies of routes, as `Annotated` aliases: connections, queue, caller, forum.

An unknown forum and a forum of another key give the same 404, so that no key can find out which
forums there are. Only in its own forums does a key learn that a scope is missing.
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import anyio
import structlog
from fastapi import Depends, Path, Request
from fastapi.security import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.concurrency import run_in_threadpool

from api.http.cache import TimedCache
from api.http.clients import address_of
from api.http.errors import ForbiddenError, UnauthenticatedError, UnsupportedMediaTypeError
from api.http.public import CallLimit, allow_origin
from api.measuring.metrics import CountedQueue, Metrics
from api.settings import ApiSettings
from api.submitting.backpressure import Backlog
from api.submitting.finishes import Finishes
from api.submitting.store import Store
from api.submitting.submits import Submits
from api.uploading.uploads import Uploads
from db import engine as db_engine
from db.engine import FAILURES
from db.errors import ForumNotFoundError
from db.tenants import forums, keys
from db.tenants.rows import PUBLIC_SCOPE, ForumRow, KeyRow
from worker.queue import Queue

_SECRET_LENGTH = 200
_LOOK_UPS = 8
_SUBMITS = 40
"""Threads that store single questions, at most: as many as run the other routes."""
_USE_NOTED_EVERY = timedelta(minutes=1)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A valid key and its forums, by name."""

    key: KeyRow
    forums: Mapping[str, ForumRow]


class Services:
    """What one process of the API works with; made once by `create_app`."""

    def __init__(self, settings: ApiSettings, sessions: db_engine.Sessions, queue: Queue) -> None:
        self.settings = settings
        self.sessions = sessions
        self.metrics = Metrics(sessions, queue, proof_s=settings.believed_s)
        self.queue: Queue = CountedQueue(queue, self.metrics)
        self.finishes = Finishes(queue)
        self.wait_slots = anyio.CapacityLimiter(settings.wait_slots)
        self.uploads = Uploads(settings)
        self.look_ups = anyio.CapacityLimiter(_LOOK_UPS)
        self.public_calls = CallLimit(settings.ask_per_minute)
        self.store = self._store()
        self.submits = Submits(self.store, ThreadPoolExecutor(_SUBMITS, "submits"))
        self.check_slots = anyio.CapacityLimiter(settings.check_slots)
        self._access: TimedCache[bytes, Access] = TimedCache(settings.access_cache_s)
        self._noted: TimedCache[int, bool] = TimedCache(_USE_NOTED_EVERY.total_seconds())

    def _store(self) -> Store:
        is_traced = self.settings.traces  # a trace is noted in a transaction
        sessions = self.sessions
        return Store(
            sessions=sessions,
            single=sessions if is_traced else db_engine.of_single_statements(sessions),
            backlog=Backlog(self.settings.pending_cache_s),
            queue=self.queue,
            finishes=self.finishes,
            metrics=self.metrics,
            is_traced=is_traced,
        )

    async def access(self, secret: str) -> Access | None:
        """Return what this key may see, or None if it is unknown, revoked or expired."""
        digest = hashlib.sha256(secret.encode()).digest()
        found = self._access.find(digest)
        if found is None:
            found = await run_in_threadpool(self._read_access, secret)
            if found is not None:
                self._access.put(digest, found)
        return found

    def _read_access(self, secret: str) -> Access | None:
        with self.sessions.begin() as session:
            key = keys.find_key(session, secret)
            if key is None:
                return None
            rows = forums.find_forums(session, set(key.forums.values()))
        self._note_use(key.id)
        return Access(key=key, forums={row.name: row for row in rows.values()})

    def _note_use(self, key_id: int) -> None:
        if self._noted.find(key_id) is not None:
            return
        self._noted.put(key_id, True)
        try:
            with self.sessions.begin() as session:
                keys.note_use(session, key_id, every=_USE_NOTED_EVERY)
        except FAILURES as error:  # only a note: no reason to fail a request
            log.warning("key.use_not_noted", key_id=key_id, error=type(error).__name__)


def services_of(request: Request) -> Services:
    """Return what the application of *request* works with."""
    services = request.app.state.services
    if not isinstance(services, Services):
        raise TypeError("create_app has not set up this application")
    return services


async def _services(request: Request) -> Services:
    return services_of(request)


AllServices = Annotated[Services, Depends(_services)]


async def _settings(services: AllServices) -> ApiSettings:
    return services.settings


async def _sessions(services: AllServices) -> db_engine.Sessions:
    return services.sessions


Settings = Annotated[ApiSettings, Depends(_settings)]
Sessions = Annotated[db_engine.Sessions, Depends(_sessions)]


class _Key(SecurityBase):
    """The caller's key: one dependency, because each takes as long as a look into a cache."""

    def __init__(self) -> None:
        self._bearer = HTTPBearer(
            auto_error=False,
            scheme_name="HTTPBearer",
            description="A key made by `askedbefore keys create`.",
        )
        self.model, self.scheme_name = self._bearer.model, self._bearer.scheme_name

    async def anybody(self, request: Request) -> Access:
        """Return who calls, with a key of any kind; raises `UnauthenticatedError`."""
        credentials = await self._bearer(request)
        secret = credentials.credentials if credentials is not None else ""
        if not secret or len(secret) > _SECRET_LENGTH or not secret.isascii():
            raise UnauthenticatedError
        access = await services_of(request).access(secret)
        if access is None:
            raise UnauthenticatedError
        return access

    async def caller(self, request: Request) -> Access:
        """Return who calls, with a key that no page shows; raises `ForbiddenError` as well."""
        access = await self.anybody(request)
        if access.key.is_public:
            raise ForbiddenError("a key with the scope ask may only check and report outcomes")
        return access


class _Anybody(_Key):
    """Who calls, with a key of any kind."""

    async def __call__(self, request: Request) -> Access:
        return await self.anybody(request)


class _Caller(_Key):
    """Who calls, with a key that no page shows."""

    async def __call__(self, request: Request) -> Access:
        return await self.caller(request)


ForumName = Annotated[str, Path(description="Name of the forum", examples=["sample"])]


class ForumFor(_Key):
    """The forum of the path, for keys with one of *scopes* or `admin`."""

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self._scopes = scopes

    async def __call__(self, request: Request, forum: ForumName) -> ForumRow:
        """Return the forum; raises `ForumNotFoundError` and `ForbiddenError`."""
        return _forum_of(forum, await self.caller(request), *self._scopes)


class JsonForumFor(ForumFor):
    """The same for a body that must be JSON: one dependency in place of two."""

    async def __call__(self, request: Request, forum: ForumName) -> ForumRow:
        """Return the forum; raises `UnsupportedMediaTypeError` first, then as `ForumFor` does."""
        await only_json(request)
        return await super().__call__(request, forum)


Anybody = Annotated[Access, Depends(_Anybody())]
Caller = Annotated[Access, Depends(_Caller())]


def _forum_of(forum: str, access: Access, *scopes: str) -> ForumRow:
    row = access.forums.get(forum)
    if row is None:
        raise ForumNotFoundError(forum)
    if access.key.scopes.isdisjoint({*scopes, "admin"}):
        raise ForbiddenError(f"this needs a key with the scope {' or '.join(scopes)}")
    return row


async def _asked_forum(
    forum: ForumName, access: Anybody, request: Request, services: AllServices
) -> ForumRow:
    """Return the forum. For a key that pages show, check the page's origin and count its calls."""
    row = _forum_of(forum, access, "submit", PUBLIC_SCOPE)
    if access.key.is_public:
        origin = request.headers.get("origin", "")
        if origin not in access.key.origins:
            raise ForbiddenError("this key may only be used from its own origins")
        allow_origin(request, origin)
        services.public_calls.count(access.key.id, address_of(request, services.settings))
    return row


SubmitForum = Annotated[ForumRow, Depends(ForumFor("submit"))]
SubmitJsonForum = Annotated[ForumRow, Depends(JsonForumFor("submit"))]
AskForum = Annotated[ForumRow, Depends(_asked_forum)]
ReviewForum = Annotated[ForumRow, Depends(ForumFor("review"))]
ReadForum = Annotated[ForumRow, Depends(ForumFor("submit", "review"))]
AdminForum = Annotated[ForumRow, Depends(ForumFor("admin"))]


async def only_json(request: Request) -> None:
    """Refuse a body whose `Content-Type` is not JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    if not is_json:
        raise UnsupportedMediaTypeError
