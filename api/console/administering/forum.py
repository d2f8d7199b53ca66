"""The Settings page: the forum, its people, its keys, its webhooks with their logs."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.console.entering.access import AnAdmin, AReviewer, ConsoleRoute, Reviewer
from api.console.rendering.render import page
from api.console.view import frame
from api.deps import AllServices, Sessions
from api.http.clients import base_url
from api.http.look_up import callable_url
from db.engine import Sessions as SessionFactory
from db.errors import InvalidInputError
from db.groups.canonical import CanonicalBy
from db.outbox import deliveries, webhooks
from db.tenants import forums, keys, people
from db.tenants.people import Role

router = APIRouter(
    prefix="/console/{forum}/settings",
    route_class=ConsoleRoute,
    include_in_schema=False,
    tags=["console"],
)

_Text = Annotated[str, Form(max_length=500)]


@router.get("")
def settings(reviewer: AReviewer, sessions: Sessions) -> Response:
    """Show the settings."""
    return _page(reviewer, sessions)


def _page(reviewer: Reviewer, sessions: Sessions, **shown_once: Any) -> Response:
    forum = reviewer.forum
    with sessions.begin() as session:
        context = frame(session, reviewer, active="settings")
        context["forum"] = forum = forums.get_forum(session, forum.name)
        hooks = webhooks.list_webhooks(session, forum.id)
        context |= {
            "members": people.members(session, forum.id),
            "keys": [key for key in keys.list_keys(session) if forum.name in key.forums],
            "hooks": [(hook, deliveries.log(session, hook.id)) for hook in hooks],
            "kinds": webhooks.KINDS,
            "roles": list(Role),
            "canonical_rules": list(CanonicalBy),
            "link": None,
            "link_for": None,
        }
    return page("settings.html", **context | shown_once)


@router.post("/forum")
def change_forum(
    reviewer: AnAdmin,
    sessions: Sessions,
    title: Annotated[str, Form(min_length=1, max_length=80)],
    canonical_by: Annotated[CanonicalBy | None, Form()] = None,
) -> Response:
    """Change the forum's title, and the rule that proposes canonical questions."""
    changes = {"title": title.strip() or reviewer.forum.name}
    if canonical_by is not None:
        changes["canonical_by"] = canonical_by
    with sessions.begin() as session:
        forums.update_forum(session, reviewer.forum.name, **changes)
    return _back(reviewer)


@router.post("/members")
def set_member(
    *,
    reviewer: AnAdmin,
    sessions: Sessions,
    name: Annotated[str, Form(max_length=60)],
    role: Annotated[str, Form()],
) -> Response:
    """Make a person a moderator or an admin, or take their role away."""
    wanted = Role(role) if role in set(Role) else None
    with sessions.begin() as session:
        person = people.ensure_person(session, name)
        if person.id == reviewer.visitor.person.id and wanted is not Role.ADMIN:
            raise InvalidInputError("you cannot take your own role away; ask another admin")
        people.set_role(session, person.id, reviewer.forum.id, wanted)
    return _back(reviewer)


@router.post("/members/link")
def make_link(
    *, request: Request, reviewer: AnAdmin, services: AllServices, name: _Text
) -> Response:
    """Show a link that signs a member in once, and only to this forum."""
    forum_id, where = reviewer.forum.id, base_url(request, services.settings)
    with services.sessions.begin() as session:
        person = people.get_member(session, forum_id, name)
        link = people.create_sign_in_link(session, person.id, where, only_forum_id=forum_id)
    return _page(reviewer, services.sessions, link=link, link_for=name)


@router.post("/webhooks")
async def add_webhook(
    *,
    reviewer: AnAdmin,
    services: AllServices,
    url: _Text,
    kinds: Annotated[list[str], Form()],
) -> Response:
    """Add a webhook."""
    where = await callable_url(url, services.look_ups)
    await run_in_threadpool(_add_webhook, services.sessions, reviewer, where, kinds)
    return _back(reviewer, "#webhooks")


def _add_webhook(sessions: SessionFactory, reviewer: Reviewer, url: str, kinds: list[str]) -> None:
    with sessions.begin() as session:
        webhooks.create(session, reviewer.forum.id, url=url, kinds=kinds)


@router.post("/webhooks/{webhook_id}/test")
def test_webhook(reviewer: AnAdmin, sessions: Sessions, webhook_id: int) -> Response:
    """Send a test event."""
    with sessions.begin() as session:
        deliveries.send_test(session, reviewer.forum.id, webhook_id)
    return _back(reviewer, "#webhooks")


@router.post("/webhooks/{webhook_id}/enable")
def enable_webhook(reviewer: AnAdmin, sessions: Sessions, webhook_id: int) -> Response:
    """Switch a webhook on again."""
    with sessions.begin() as session:
        webhooks.enable(session, reviewer.forum.id, webhook_id)
    return _back(reviewer, "#webhooks")


@router.post("/webhooks/{webhook_id}/remove")
def remove_webhook(reviewer: AnAdmin, sessions: Sessions, webhook_id: int) -> Response:
    """Remove a webhook with its log."""
    with sessions.begin() as session:
        webhooks.remove(session, reviewer.forum.id, webhook_id)
    return _back(reviewer, "#webhooks")


def _back(reviewer: Reviewer, part: str = "") -> RedirectResponse:
    path = f"/console/{reviewer.forum.name}/settings{part}"
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
