"""What no text, number or body of a request may be is refused by every route, the console's too."""

import gzip
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy.orm import sessionmaker

import api.console
import api.routes
from api.app import create_app
from api.http.texts import CheckedRoute, fault_of
from db.tenants.people import Role
from tests.rows.review import PASSWORD, make_person, seed_questions
from tests.servers.api_service import Factory, NotingQueue, make_client, make_key, make_settings

HTML = {"Accept": "text/html"}
LONG = "9" * 5_000
BAD_TEXTS = ["a\0b", "\ud800", "a\udfffb"]
ENDLESS = "/console/{forum}/live"


def modules() -> Iterator[ModuleType]:
    for package in (api.routes, api.console):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def routes() -> list[APIRoute]:
    """Return every route of API and console."""
    routers = {
        id(value): value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, APIRouter)
    }
    found = [route for router in routers.values() for route in router.routes]
    return [route for route in found if isinstance(route, APIRoute)]


def address(route: APIRoute, filled: str = "1") -> str:
    path = re.sub(r"\{forum\}", "cooks", route.path)
    return re.sub(r"\{\w+(?::\w+)?\}", filled, path)


@pytest.fixture
def client(sessions: Factory) -> Iterator[TestClient]:
    """Give a client with a key for everything, and signed in to the console."""
    with sessions.begin() as session:
        seeded = seed_questions(session, "How do I boil an egg", "Boiling an egg")
        make_person(session, seeded.forum, "ana", Role.ADMIN)
    key = make_key(sessions, "cooks", scopes=("submit", "review", "admin"))
    with make_client(sessions, key, wait_limit_s=0) as client:
        client.follow_redirects = False
        client.post("/console/sign-in", data={"name": "ana", "secret": PASSWORD}, headers=HTML)
        page = client.get("/console/cooks/review", headers=HTML).text
        client.headers["X-CSRF-Token"] = page.split('name="csrf" content="')[1].split('"')[0]
        yield client


def served() -> list[APIRoute]:
    """Return every route that the application serves, whichever module it is from."""
    waiting: list[Any] = list(create_app(make_settings(), sessionmaker(), NotingQueue()).routes)
    found = []
    while waiting:
        route = waiting.pop()
        if isinstance(route, APIRoute):
            found.append(route)
        elif isinstance(router := getattr(route, "original_router", None), APIRouter):
            waiting += router.routes
    return found


def test_every_route_that_is_served_is_known_to_these_tests() -> None:
    def named(found: list[APIRoute]) -> set[tuple[str, str]]:
        return {(method, route.path) for route in found for method in route.methods or ()}

    assert named(served()) == named(routes())


def test_every_route_looks_at_its_texts() -> None:
    found = routes()

    assert len(found) > 60
    assert [route.path for route in found if not isinstance(route, CheckedRoute)] == []


def test_a_text_that_cannot_be_is_refused_by_every_route(
    client: TestClient, subtests: pytest.Subtests
) -> None:
    for route in routes():
        for method in sorted(route.methods or ()):
            with subtests.test(f"{method} {route.path}"):
                sent = [client.request(method, f"{address(route)}?x=a%00b", headers=HTML)]
                if "{" in route.path.replace("{forum}", ""):
                    sent.append(client.request(method, address(route, "a%00b"), headers=HTML))
                if route.body_field is not None:
                    sent += bodies(client, method, address(route), route)

                assert {answer.status_code // 100 for answer in sent} == {4}


def bodies(client: TestClient, method: str, path: str, route: APIRoute) -> list[Response]:
    if route.path.startswith("/console"):
        return [client.request(method, path, data={"name": "a\0b", "secret": "x"}, headers=HTML)]
    return [
        client.request(
            method,
            path,
            content=json.dumps({"x": [{"y": text}]}),
            headers={"Content-Type": "application/json"},
        )
        for text in BAD_TEXTS
    ]


@pytest.mark.parametrize("text", BAD_TEXTS)
def test_a_batch_refuses_the_one_item(client: TestClient, text: str) -> None:
    items = [{"id": "good", "title": "Is it good?"}, {"id": "bad", "title": text}]
    answer = client.post(
        "/v1/forums/cooks/questions:batch",
        content=json.dumps({"questions": items}),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code in {200, 202}
    assert [bool(item["errors"]) for item in answer.json()["items"]] == [False, True]


@pytest.mark.parametrize("number", ["1e999", "NaN", "-Infinity", str(2**63), LONG, f"-{LONG}"])
def test_a_number_that_fits_nothing_is_refused(client: TestClient, number: str) -> None:
    answer = client.post(
        "/v1/forums/cooks/check",
        content=f'{{"title": "Why?", "limit": {number}}}',
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code in {400, 422}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/console/cooks/history?day=9999-12-31", {}),
        ("/console/cooks/history?day=0001-01-01", {}),
        (f"/console/cooks/history?before={LONG}", {}),
        (f"/v1/archives/{LONG}", {}),
        (f"/v1/archives/{2**70}", {}),
        (f"/v1/forums/cooks/pairs/{LONG}/undo", {}),
        (f"/v1/forums/cooks/groups?before={LONG}", {}),
        (f"/v1/forums/cooks/pairs?limit={LONG}&min_score=1e999", {}),
        ("/v1/forums/cooks/questions/%ED%A0%80", {}),
    ],
)
def test_edges_are_no_fault_of_the_service(
    client: TestClient, path: str, headers: dict[str, str]
) -> None:
    assert client.get(path, headers=headers).status_code < 500


@pytest.mark.parametrize("last", [LONG, "\u00b2", "-1", "a"])
def test_a_last_event_id_of_any_kind_opens_the_stream(client: TestClient, last: str) -> None:
    headers = {b"Last-Event-ID": last.encode("latin-1")}

    assert client.head("/console/cooks/live", headers=headers).status_code == 200


@pytest.mark.parametrize("length", [LONG, "-1", "1e3", "\u00b2"])
def test_an_announced_length_of_any_kind_is_no_fault(client: TestClient, length: str) -> None:
    headers = {b"Content-Length": length.encode("latin-1")}
    answer = client.post("/v1/forums/cooks/check", content=b"{}", headers=headers)

    assert answer.status_code < 500


def test_head_works_wherever_get_does(client: TestClient, subtests: pytest.Subtests) -> None:
    for route in routes():
        if "GET" in (route.methods or ()) and route.path != ENDLESS:
            with subtests.test(route.path):
                wanted = client.get(address(route), headers=HTML)
                answer = client.head(address(route), headers=HTML)

                assert answer.status_code == wanted.status_code
                assert answer.content == b""
                assert answer.headers.get("content-type") == wanted.headers.get("content-type")
    assert client.head(ENDLESS.replace("{forum}", "cooks")).status_code == 200


@pytest.mark.parametrize("packing", ["gzip", "br", "deflate", "zstd", "x-unheard"])
def test_a_packed_body_is_refused_by_its_name(client: TestClient, packing: str) -> None:
    answer = client.post(
        "/v1/forums/cooks/check",
        content=gzip.compress(b'{"title": "Why?"}'),
        headers={"Content-Encoding": packing, "Content-Type": "application/json"},
    )

    assert answer.status_code == 415
    assert packing in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/forums/cooks/archives", "/v1/forums/cooks/check"])
def test_a_body_in_parts_is_refused_by_its_name(client: TestClient, path: str) -> None:
    answer = client.post(path, files={"file": ("a.csv", b"id,title\n1,Why?\n")})

    assert answer.status_code == 415
    assert "multipart" in answer.json()["detail"]


def test_a_person_who_types_the_address_finds_the_console(client: TestClient) -> None:
    answer = client.get("/", headers=HTML)

    assert (answer.status_code, answer.headers["location"]) == (303, "/console")


def test_every_part_of_a_value_is_looked_at() -> None:
    assert fault_of({"a": [1, {"b": None}, True, 2.5, "text"]}) is None
    assert fault_of({"a\0": 1}) is not None
    assert fault_of([[[{"a": ["\ud800"]}]]]) is not None
    assert fault_of({"a": float("nan")}) is not None
    assert fault_of({"a": -(2**63) - 1}) is not None
