"""Signing in, by password, personal key or one-time link, and out."""

from http import HTTPStatus
from secrets import token_urlsafe
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from itsdangerous import BadSignature, TimestampSigner
from starlette.responses import RedirectResponse, Response

from api.console.entering.access import (
    COOKIE,
    Console,
    ConsoleRoute,
    ForgedRequestError,
    SignedIn,
    Visitor,
    find_visitor,
    seal,
)
from api.console.rendering.render import page
from api.deps import Sessions, Settings
from api.http.clients import address_of, is_secure
from api.http.errors import headers_of
from api.http.under import here
from db.errors import ServiceError
from db.tenants import attempts, people
from db.tenants.attempts import TooManyAttemptsError
from db.tenants.people import PersonRow, SignInRefusedError

router = APIRouter(
    prefix="/console", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)

door = APIRouter(route_class=ConsoleRoute, include_in_schema=False, tags=["console"])
"""Routes outside of the console's own paths."""

KNOWN = "askedbefore_browser"
"""Cookie of a browser in which somebody has signed in; it opens nothing."""
ATTEMPTS, ATTEMPTS_OF_ADDRESS, ATTEMPTS_OF_NAME = 10, 100, 100
"""Wrong passwords within ten minutes: for a name at an address, at an address, for a name."""
_KNOWN_S = 180 * 24 * 3600

_Visitor = Annotated[Visitor | None, Depends(find_visitor)]
_Text = Annotated[str, Form(max_length=300)]


@door.get("/")
def enter() -> Response:
    """Go to the console: a person who opens the service in a browser wants no JSON."""
    return _to("/console")


@router.get("")
def home(visitor: SignedIn) -> Response:
    """Redirect to the first forum of the signed-in person."""
    forums = list(visitor.person.roles)
    if not forums:
        return page("no_forum.html", visitor=visitor)
    return _to(f"/console/{forums[0]}/review")


@router.get("/sign-in")
def ask(visitor: _Visitor, next: str = "") -> Response:  # noqa: A002  # the parameter's public name
    """Show the form, or redirect if the person is signed in already."""
    if visitor is not None:
        return _to(_inside(next))
    return page("sign_in.html", next=_inside(next), error="", name="")


@router.post("/sign-in")
def sign_in(
    *,
    request: Request,
    sessions: Sessions,
    settings: Settings,
    console: Console,
    name: _Text,
    secret: _Text,
    next: _Text = "",  # noqa: A002  # the field's public name
) -> Response:
    """Sign in with a name and a password or personal key."""
    _refuse_other_sites(request)
    try:
        person = _authenticated(request, sessions, settings, name, secret)
    except SignInRefusedError as error:
        return _refused(error, HTTPStatus.UNAUTHORIZED, name=name, next_=next)
    except TooManyAttemptsError as error:
        return _refused(error, HTTPStatus.TOO_MANY_REQUESTS, name=name, next_=next)
    return _welcome(request, sessions, settings, console, person, next_=next)


def _authenticated(
    request: Request, sessions: Sessions, settings: Settings, name: str, secret: str
) -> PersonRow:
    """Return who signs in; an attempt counts before it is tried, and a right key always passes."""
    with sessions.begin() as session:
        person = people.find_by_key(session, name, secret)
    if person is not None:
        return person
    with sessions.begin() as session:
        counted = attempts.count_attempt(session, _limits(request, settings, name))
    with sessions.begin() as session:
        person = people.authenticate(session, name, secret)
        attempts.forgive(session, counted)
    return person


def _limits(request: Request, settings: Settings, name: str) -> dict[str, int]:
    """Return how many wrong passwords are allowed within ten minutes, for each bucket.

    A browser in which this person has signed in before has a bucket of its own, which no stranger
    can fill.
    """
    name = name.strip().casefold()
    known = _known_browser(request, settings, name)
    if known is not None:
        return {f"browser:{known}": ATTEMPTS}
    address = address_of(request, settings)
    return {
        f"name at address:{name} {address}": ATTEMPTS,
        f"address:{address}": ATTEMPTS_OF_ADDRESS,
        f"name:{name}": ATTEMPTS_OF_NAME,
    }


def _known_browser(request: Request, settings: Settings, name: str) -> str | None:
    try:
        signer = _browser_signer(settings, name)
        return signer.unsign(request.cookies.get(KNOWN, ""), max_age=_KNOWN_S).decode()
    except BadSignature:
        return None


def _browser_signer(settings: Settings, name: str) -> TimestampSigner:
    key = settings.secret_key.get_secret_value()
    return TimestampSigner(key, salt=f"known-browser:{name.strip().casefold()}")


def _refused(error: ServiceError, status: HTTPStatus, *, name: str, next_: str) -> Response:
    return page(
        "sign_in.html",
        status=status,
        headers=headers_of(error),
        next=_inside(next_),
        error=str(error),
        name=name,
    )


@router.get("/sign-in/{token}")
def ask_to_use_link(token: str) -> Response:
    """Show a button, so that a preview in a chat does not use the link."""
    return page("sign_in_link.html", token=token)


@router.post("/sign-in/{token}")
def use_link(
    request: Request, sessions: Sessions, settings: Settings, console: Console, token: str
) -> Response:
    """Sign in by a one-time link."""
    _refuse_other_sites(request)
    with sessions.begin() as session:
        person = people.use_link(session, token)
    return _welcome(request, sessions, settings, console, person)


@router.post("/sign-out")
def sign_out(visitor: SignedIn, sessions: Sessions) -> Response:
    """End the session."""
    with sessions.begin() as session:
        people.close_sign_in(session, visitor.token)
    response = _to("/console/sign-in")
    response.delete_cookie(COOKIE, path=here("/console"))
    return response


def _welcome(
    request: Request,
    sessions: Sessions,
    settings: Settings,
    console: Console,
    person: PersonRow,
    *,
    next_: str = "",
) -> Response:
    with sessions.begin() as session:
        token = people.open_sign_in(session, person, lifetime=console.session_lifetime)
    response = _to(_inside(next_))
    lifetime_s = int(console.session_lifetime.total_seconds())
    known = _browser_signer(settings, person.name).sign(token_urlsafe(16)).decode()
    cookies = [(COOKIE, seal(settings, token), lifetime_s), (KNOWN, known, _KNOWN_S)]
    for name, value, max_age in cookies:
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            path=here("/console"),
            secure=is_secure(request, settings),
            httponly=True,
            samesite="lax",
        )
    return response


def _refuse_other_sites(request: Request) -> None:
    # No session yet, so no token: against forged sign-ins there is only the browser's own header.
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForgedRequestError


def _inside(path: str) -> str:
    """Return *path* if it is a page of the console, else the console's start page."""
    is_own = path.startswith("/console/") and "//" not in path and "\\" not in path
    return path if is_own and path.isprintable() else "/console"


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
