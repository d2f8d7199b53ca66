"""Access to the console: the signed cookie, its person, and the forum they may review.

The cookie has a random token, signed and dated. Its row in the database can end the session at any
time. Requests that change something carry a token derived from it, which no other site can know.
"""

import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, TypedDict
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from itsdangerous import BadSignature, Signer, TimestampSigner
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.console.rendering.render import page
from api.console.settings import ConsoleSettings
from api.deps import Sessions, Settings
from api.http.conflicts import review_problem
from api.http.errors import (
    ForbiddenError,
    as_service_error,
    field_errors,
    headers_of,
    status_of,
)
from api.http.texts import CheckedRoute
from db.errors import ForumNotFoundError, InvalidInputError, ServiceError
from db.tenants import forums, people
from db.tenants.people import PersonRow, Role, SignInRefusedError
from db.tenants.rows import ForumRow

COOKIE = "askedbefore_console"
_SAFE = {"GET", "HEAD"}


class SignInNeededError(ServiceError):
    """You are not signed in any more. Sign in to return to this page."""


class ForgedRequestError(ForbiddenError):
    """This form is too old or came from another site: reload the page and try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A signed-in person and their session."""

    person: PersonRow
    token: str
    csrf: str
    """What each form of the session must carry."""


class Signature(TypedDict):
    """Who decides, and whether they may undo and settle what others decided."""

    actor: str
    is_admin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """A signed-in person in one forum."""

    visitor: Visitor
    forum: ForumRow
    role: Role

    @property
    def name(self) -> str:
        """Return the name under which this person decides."""
        return self.visitor.person.name

    @property
    def is_admin(self) -> bool:
        """Return whether this person may change the forum's settings."""
        return self.role is Role.ADMIN

    @property
    def signature(self) -> Signature:
        """Return who decides and with what rights, as decisions ask for it."""
        return {"actor": self.name, "is_admin": self.is_admin}


@cache
def _console_settings() -> ConsoleSettings:
    return ConsoleSettings()


Console = Annotated[ConsoleSettings, Depends(_console_settings)]


def seal(settings: Settings, token: str) -> str:
    """Return a session's token as the value of the cookie."""
    signer = TimestampSigner(settings.secret_key.get_secret_value(), salt="console")
    return signer.sign(token).decode()


def _unseal(settings: Settings, cookie: str, console: ConsoleSettings) -> str | None:
    signer = TimestampSigner(settings.secret_key.get_secret_value(), salt="console")
    try:
        age = int(console.session_lifetime.total_seconds())
        return signer.unsign(cookie, max_age=age).decode()
    except BadSignature:
        return None


def csrf_of(settings: Settings, token: str) -> str:
    """Return the CSRF token of the session with this token."""
    signer = Signer(settings.secret_key.get_secret_value(), salt="console-csrf")
    return signer.get_signature(token).decode()


def find_visitor(
    request: Request, sessions: Sessions, settings: Settings, console: Console
) -> Visitor | None:
    """Return the signed-in person, if any."""
    token = _unseal(settings, request.cookies.get(COOKIE, ""), console)
    if token is None:
        return None
    with sessions.begin() as session:
        person = people.find_signed_in(session, token)
    if person is None:
        return None
    return Visitor(person=person, token=token, csrf=csrf_of(settings, token))


async def _visitor(
    request: Request, found: Annotated[Visitor | None, Depends(find_visitor)]
) -> Visitor:
    if found is None:
        raise SignInNeededError
    if request.method not in _SAFE:
        await refuse_forged(request, found.csrf)
    return found


async def refuse_forged(request: Request, expected: str) -> None:
    """Raise `ForgedRequestError` unless the request comes from this site and has this token."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForgedRequestError
    sent = request.headers.get("x-csrf-token") or str((await request.form()).get("csrf", ""))
    if not secrets.compare_digest(sent.encode(), expected.encode()):
        raise ForgedRequestError


SignedIn = Annotated[Visitor, Depends(_visitor)]


def _reviewer(forum: str, visitor: SignedIn, sessions: Sessions) -> Reviewer:
    role = visitor.person.roles.get(forum)
    if role is None:
        raise ForumNotFoundError(forum)
    with sessions.begin() as session:
        return Reviewer(visitor=visitor, forum=forums.get_forum(session, forum), role=role)


AReviewer = Annotated[Reviewer, Depends(_reviewer)]


def _admin(reviewer: AReviewer) -> Reviewer:
    if not reviewer.is_admin:
        raise ForbiddenError("only an admin of this forum can do that")
    return reviewer


AnAdmin = Annotated[Reviewer, Depends(_admin)]


class ConsoleRoute(CheckedRoute):
    """Answers errors with a page, or with a problem if a script asked."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with the console's error answers around it."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                if "text/html" not in request.headers.get("accept", ""):
                    raise
                fault = field_errors(error.errors())[0]
                where = fault.get("pointer") or fault.get("parameter") or ""
                unfit = InvalidInputError(f"{where.removeprefix('#/')}: {fault['detail']}")
                return await run_in_threadpool(_tell, request, unfit)
            except Exception as error:
                met = as_service_error(error)
                if met is None:
                    raise
                return await run_in_threadpool(_tell, request, met)

        return handle


def _tell(request: Request, error: ServiceError) -> Response:
    wants_page = "text/html" in request.headers.get("accept", "")
    if isinstance(error, SignInNeededError) and wants_page:
        back = request.url.path if request.method in _SAFE else ""
        return RedirectResponse(f"/console/sign-in?next={quote(back)}", HTTPStatus.SEE_OTHER)
    status = _status(error)
    if not wants_page:
        return review_problem(error, status=status)
    return page(
        "error.html",
        status=status,
        headers=headers_of(error),
        message=str(error),
        title=status.phrase,
    )


def _status(error: ServiceError) -> HTTPStatus:
    if isinstance(error, SignInNeededError | SignInRefusedError):
        return HTTPStatus.UNAUTHORIZED
    return status_of(error)
