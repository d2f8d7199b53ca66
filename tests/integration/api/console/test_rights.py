"""Who can do what in the console: role by action, in one's own forum and in another.

The actions are read from the routes, so that a new one is tried as well.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from uuid import UUID

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from api import console
from db.tenants import people
from db.tenants.people import Role
from tests.integration.api.http.test_texts import served
from tests.integration.db.two_forums import MARK, Side, Two, make_two, rows_of_other
from tests.rows.review import PASSWORD
from tests.servers.api_service import make_client

Factory = sessionmaker[Session]
HTML = {"Accept": "text/html"}
ADMIN_ONLY = {
    "POST settings/forum",
    "POST settings/members",
    "POST settings/members/link",
    "POST settings/webhooks",
    "POST settings/webhooks/{webhook_id}/test",
    "POST settings/webhooks/{webhook_id}/enable",
    "POST settings/webhooks/{webhook_id}/remove",
    "POST thresholds",
    "POST thresholds/calibration",
    "POST insight/second-opinions",
    "POST actions/ladder",
    "POST archives",
    "POST archives/{archive_id}/pause",
    "POST archives/{archive_id}/resume",
    "POST archives/{archive_id}/cancel",
}
ENDLESS = {"GET live"}
THINGS: Mapping[str, str] = {
    "pair_id": "flagged",
    "archive_id": "archive",
    "group_id": "group",
    "decision_id": "decision",
    "opinion_id": "opinion",
    "webhook_id": "webhook",
    "bulk_id": "bulk",
    "number": "bulk",
    "action_id": "action",
}
ABSENT = 1_666_666_666


def actions() -> list[str]:
    """Return every action within a forum, such as ``POST pairs/{pair_id}/decision``."""
    found = [route for module in console._MODULES for route in module.router.routes]  # noqa: SLF001
    return sorted(
        f"{method} {route.path.removeprefix('/console/{forum}/')}"
        for route in found
        if isinstance(route, APIRoute) and route.path.startswith("/console/{forum}/")
        for method in route.methods or ()
    )


def form_of(action: str, side: Side, *, absent: bool = False) -> dict[str, str]:
    """Return what the form of an action sends about things of *side*, or of none."""
    pair, question, group = (
        str(ABSENT if absent else one) for one in (side.flagged, side.question, side.group)
    )
    forms = {
        "claim": {"pairs": pair},
        "skip": {"pairs": pair},
        "unskip": {"pairs": pair},
        "entries/decision": {"status": "not_duplicate", "seen": f"{pair}:1"},
        "second/{opinion_id}/answer": {"status": "related"},
        "groups/{group_id}/canonical": {"question": question},
        "groups/{group_id}/take-out": {"question": question},
        "groups/{group_id}/join": {"other": group},
        "pairs/{pair_id}/decision": {"status": "related", "version": "1"},
        "bulk": {"status": "related", "group": group, "up_to": "1", "confirmed": "0"},
        "settings/forum": {"title": "Chefs"},
        "settings/members": {"name": "Eve", "role": "moderator"},
        "settings/members/link": {"name": "nobody" if absent else side.person.name},
        "settings/webhooks": {"url": "https://x.example/", "kinds": "pair.flagged"},
        "insight/second-opinions": {"share": "3"},
        "actions/ladder": {"rung": "label", "grace_hours": "2", "percent": "95"},
        "by-hand": {
            "one": "q4",
            "other": "nobody" if absent else f"https://{side.forum.name}.example/q/1",
            "status": "duplicate",
        },
    }
    return forms.get(action.split(" ")[1], {})


def path_of(action: str, side: Side, *, absent: bool = False) -> str:
    """Return the path of an action on things of *side*, or on none."""

    def thing(match: re.Match[str]) -> str:
        known = getattr(side, THINGS[match[1]])
        if absent:
            known = UUID(int=6) if isinstance(known, UUID) else ABSENT
        return str(known)

    return re.sub(r"\{(\w+)\}", thing, action.split(" ")[1])


@contextmanager
def signed_in(sessions: Factory, name: str, forum: str) -> Iterator[TestClient]:
    with make_client(sessions, None) as client:
        client.follow_redirects = False
        client.post("/console/sign-in", data={"name": name, "secret": PASSWORD}, headers=HTML)
        page = client.get(f"/console/{forum}/review", headers=HTML).text
        client.headers["X-CSRF-Token"] = page.split('name="csrf" content="')[1].split('"')[0]
        yield client


def act(
    client: TestClient, action: str, forum: str, path: str, form: dict[str, str]
) -> tuple[int, str]:
    method = action.split(" ", maxsplit=1)[0]
    data = form if method == "POST" else None
    answer = client.request(method, f"/console/{forum}/{path}", data=data, headers=HTML)
    return answer.status_code, answer.headers.get("location", "") + answer.text


@pytest.fixture
def two(sessions: Factory) -> Two:
    with sessions.begin() as session:
        made = make_two(session)
        for side in (made.own, made.other):
            people.set_password(session, side.person.id, PASSWORD)
        ben = people.ensure_person(session, "Ben alpha")
        people.set_role(session, ben.id, made.own.id, Role.MODERATOR)
        people.set_password(session, ben.id, PASSWORD)
    return made


def test_every_page_of_a_forum_that_is_served_is_tried_here() -> None:
    base = "/console/{forum}/"
    found = [(method, one.path) for one in served() for method in one.methods or ()]

    assert {f"{method} {path.removeprefix(base)}" for method, path in found if base in path} == set(
        actions()
    )


def test_every_action_for_admins_is_one() -> None:
    assert set(actions()) >= ADMIN_ONLY | ENDLESS


def test_an_admin_of_another_forum_finds_no_such_forum(
    sessions: Factory, two: Two, subtests: pytest.Subtests
) -> None:
    with signed_in(sessions, two.other.person.name, MARK) as client:
        for action in actions():
            with subtests.test(action):
                path, form = path_of(action, two.own), form_of(action, two.own)

                said = [act(client, action, forum, path, form) for forum in ("alpha", "nowhere")]

                assert said[0][0] == HTTPStatus.NOT_FOUND
                assert said[0][1].replace("alpha", "nowhere") == said[1][1]


def test_a_moderator_does_all_that_is_not_an_admins(
    sessions: Factory, two: Two, subtests: pytest.Subtests
) -> None:
    with signed_in(sessions, "Ben alpha", "alpha") as client:
        for action in set(actions()) - ENDLESS:
            with subtests.test(action):
                path, form = path_of(action, two.own), form_of(action, two.own)

                status, _ = act(client, action, "alpha", path, form)

                assert (status == HTTPStatus.FORBIDDEN) is (action in ADMIN_ONLY)


def test_an_admin_does_everything_in_their_own_forum(
    sessions: Factory, two: Two, subtests: pytest.Subtests
) -> None:
    with signed_in(sessions, two.own.person.name, "alpha") as client:
        for action in set(actions()) - ENDLESS:
            with subtests.test(action):
                path, form = path_of(action, two.own), form_of(action, two.own)

                status, _ = act(client, action, "alpha", path, form)

                assert status not in {HTTPStatus.FORBIDDEN, HTTPStatus.INTERNAL_SERVER_ERROR}


def test_what_is_another_forums_is_answered_like_what_is_not_there(
    sessions: Factory, two: Two, subtests: pytest.Subtests
) -> None:
    with signed_in(sessions, two.own.person.name, "alpha") as client:
        for action in set(actions()) - ENDLESS:
            if not form_of(action, two.own) and "{" not in action:
                continue
            with subtests.test(action):
                with sessions.begin() as session:
                    before = rows_of_other(session)

                said = [
                    act(
                        client,
                        action,
                        "alpha",
                        path_of(action, two.other, absent=absent),
                        form_of(action, two.other, absent=absent),
                    )
                    for absent in (False, True)
                ]

                with sessions.begin() as session:
                    assert rows_of_other(session) == before
                assert said[0][0] == said[1][0]
                assert "How do I" not in said[0][1] or MARK not in said[0][1]
