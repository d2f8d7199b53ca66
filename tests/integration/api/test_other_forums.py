"""Every call of the API with another forum's key, and with another forum's ids.

The calls are read from the description, so that a new one is tried as well.
"""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from db.tenants import keys
from tests.integration.api.http.test_texts import served
from tests.integration.db.two_forums import MARK, Side, Two, make_two, rows_of_other
from tests.servers.api_service import NotingQueue, make_client, make_settings

Factory = sessionmaker[Session]
OWN, OTHER = "alpha", MARK
ABSENT = 1_666_666_666
HOOK = "POST /v1/forums/{forum}/hooks/{kind}"
"""It is no call of a key: a forum's software signs it; test_hooks tries other forums'."""
THINGS: Mapping[str, str] = {
    "pair_id": "flagged",
    "group_id": "group",
    "webhook_id": "webhook",
    "delivery_id": "delivery",
    "archive_id": "archive",
    "action_id": "action",
}
OF_THE_FORUM_ALONE = {"forum", "question_id", "author"}
"""Names that each forum gives itself: the other's q1 is not the own one's."""
BODIES: Mapping[str, Any] = {
    "PUT /v1/forums/{forum}/questions/{question_id}": {"title": "How do I break in?"},
    "POST /v1/forums/{forum}/questions:batch": {"questions": [{"id": "new", "title": "Why?"}]},
    "POST /v1/forums/{forum}/check": {"title": "How do I boil an egg?"},
    "POST /v1/forums/{forum}/outcomes": {"check_id": "none", "outcome": "posted"},
    "POST /v1/forums/{forum}/actions/{action_id}": {"state": "failed", "reason": "no"},
    "PUT /v1/forums/{forum}/connector": {"kind": "discourse"},
    "PUT /v1/forums/{forum}/search": {"days": 30, "within": "author"},
    "PUT /v1/forums/{forum}/rising": {"asked": 3, "window_hours": 1},
    "PUT /v1/forums/{forum}/ladder": {"rung": "log"},
    "POST /v1/forums/{forum}/pairs": {
        "moderator": "Eve",
        "questions": ["q4", "https://stranger.example/q/1"],
        "decision": "duplicate",
    },
    "POST /v1/forums/{forum}/archives": None,
    "POST /v1/forums/{forum}/pairs/{pair_id}/claim": {"moderator": "Eve"},
    "POST /v1/forums/{forum}/pairs/{pair_id}/decision": {
        "moderator": "Eve",
        "decision": "related",
        "version": 1,
    },
    "POST /v1/forums/{forum}/pairs/{pair_id}/undo": {"moderator": "Eve"},
    "PUT /v1/forums/{forum}/groups/{group_id}/canonical": {"moderator": "Eve", "question": "q2"},
    "POST /v1/forums/{forum}/webhooks": {"url": "https://1.1.1.1/", "kinds": ["pair.flagged"]},
    "PATCH /v1/forums/{forum}/webhooks/{webhook_id}": {"enabled": False},
    "POST /v1/forums/{forum}/calibration": {"dry_run": True},
}


def calls() -> list[str]:
    """Return every call that needs a key, such as ``GET /v1/archives/{archive_id}``."""
    paths = create_app(make_settings(), sessionmaker(), NotingQueue()).openapi()["paths"]
    return sorted(
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/v1/")
    )


def make(client: TestClient, call: str, forum: str, side: Side | None) -> tuple[int, str]:
    """Make a call in *forum* about things of *side*, or about none; return its answer."""

    def thing(match: re.Match[str]) -> str:
        name = match[1]
        if name == "forum":
            return forum
        if name in OF_THE_FORUM_ALONE:
            return "q1"
        return str(ABSENT if side is None else getattr(side, THINGS[name]))

    method, path = call.split(" ")
    answer = client.request(method, re.sub(r"\{(\w+)\}", thing, path), json=BODIES.get(call))
    return answer.status_code, answer.text


@pytest.fixture
def two(sessions: Factory) -> Two:
    with sessions.begin() as session:
        return make_two(session)


@pytest.fixture
def own(sessions: Factory, two: Two) -> Iterator[TestClient]:
    """Give a client with a key of the own forum that may do everything there."""
    with sessions.begin() as session:
        scopes = ("submit", "review", "admin")
        key = keys.create_key(session, name="all", forum_ids=[two.own.id], scopes=scopes)
    with make_client(sessions, key, wait_limit_s=0) as client:
        yield client


def test_every_call_that_is_served_is_described_and_so_tried_here() -> None:
    found = [(method, one.path_format) for one in served() for method in one.methods or ()]

    assert {f"{method} {path}" for method, path in found if path.startswith("/v1/")} - {
        HOOK
    } == set(calls())


def test_every_call_is_known_here() -> None:
    names = {name for call in calls() for name in re.findall(r"\{(\w+)\}", call)}
    with_body = {call for call in calls() if call.split(" ")[0] in {"PUT", "PATCH"}}

    assert names == set(THINGS) | OF_THE_FORUM_ALONE
    assert with_body <= set(BODIES)
    assert set(BODIES) <= set(calls())


def test_another_forum_is_answered_like_one_that_is_not_there(
    sessions: Factory, two: Two, own: TestClient, subtests: pytest.Subtests
) -> None:
    for call in calls():
        if "{forum}" not in call:
            continue
        with subtests.test(call):
            with sessions.begin() as session:
                before = rows_of_other(session)

            status, said = make(own, call, OTHER, two.other)
            absent = make(own, call, "nowhere", None)

            with sessions.begin() as session:
                assert rows_of_other(session) == before
            assert status == HTTPStatus.NOT_FOUND
            assert (status, said.replace(OTHER, "nowhere")) == absent


def test_what_is_another_forums_is_answered_like_what_is_not_there(
    sessions: Factory, two: Two, own: TestClient, subtests: pytest.Subtests
) -> None:
    for call in calls():
        if not set(re.findall(r"\{(\w+)\}", call)) & set(THINGS):
            continue
        with subtests.test(call):
            with sessions.begin() as session:
                before = rows_of_other(session)

            status, said = make(own, call, OWN, two.other)
            absent, said_then = make(own, call, OWN, None)

            with sessions.begin() as session:
                assert rows_of_other(session) == before
            assert (status, absent) == (HTTPStatus.NOT_FOUND, HTTPStatus.NOT_FOUND)
            assert re.sub(r"\d{6,}", "N", said) == re.sub(r"\d{6,}", "N", said_then)


def test_lists_hold_nothing_of_another_forum(
    own: TestClient, two: Two, subtests: pytest.Subtests
) -> None:
    for call in calls():
        if call.startswith("GET") and not set(re.findall(r"\{(\w+)\}", call)) & set(THINGS):
            with subtests.test(call):
                status, said = make(own, call, OWN, two.own)

                assert status == HTTPStatus.OK
                assert MARK not in said
                assert not re.search(r"\b19\d{8}\b", said)


def test_no_call_is_answered_without_a_key(
    sessions: Factory, two: Two, subtests: pytest.Subtests
) -> None:
    with make_client(sessions, None) as nobody:
        for call in calls():
            with subtests.test(call):
                assert make(nobody, call, OWN, two.own)[0] == HTTPStatus.UNAUTHORIZED
