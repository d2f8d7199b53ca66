"""Calls without FastAPI's solver: the same answers, to the byte, and the same errors."""

from http import HTTPStatus
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.dependencies.utils import solve_dependencies
from fastapi.testclient import TestClient
from pydantic import AfterValidator, BaseModel, ConfigDict

from api.http import errors
from api.http.direct import Direct
from api.http.errors import UnauthenticatedError, UnsupportedMediaTypeError
from api.http.texts import CheckedRoute
from tests.unit.api.http.test_retry import Work

LIMIT = 1_000


class Told(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    title: str
    count: int = 1


class Heard(BaseModel):
    name: str
    told: Told
    wait: float
    shop: str


def known(name: str) -> str:
    if name == "nobody":
        raise ValueError("must be somebody")
    return name


async def only_signed(request: Request, shop: str) -> str:
    if "authorization" not in request.headers:
        raise UnauthenticatedError
    if request.headers.get("content-type") != "application/json":
        raise UnsupportedMediaTypeError
    return shop.upper()


async def tell(
    *,
    name: Annotated[str, Path(), AfterValidator(known)],
    told: Told,
    shop: Annotated[str, Depends(only_signed)],
    request: Request,
    response: Response,
    wait: Annotated[float, Query(ge=0)] = 0.5,
) -> Heard:
    if told.count > 1:
        response.status_code = HTTPStatus.ACCEPTED
        response.headers["Location"] = request.url.path
    return Heard(name=name, told=told, wait=wait, shop=shop)


def client_of(endpoint: Any = tell, *, is_direct: bool = True) -> TestClient:
    router = APIRouter(route_class=CheckedRoute)
    router.put("/{shop}/{name:path}")(endpoint)
    app = FastAPI()
    app.include_router(router)
    if is_direct:
        app.add_middleware(Direct, routes=router.routes, limit=LIMIT)
    errors.add_handlers(app)
    return TestClient(app, raise_server_exceptions=False, headers={"Authorization": "Bearer x"})


@pytest.fixture
def unsolved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often FastAPI's solver was asked."""
    asked: list[int] = []
    solve = solve_dependencies

    async def counting(**given: Any) -> Any:
        asked.append(1)
        return await solve(**given)

    monkeypatch.setattr("fastapi.routing.solve_dependencies", counting)
    return asked


TEXT = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}
RIGHT: list[dict[str, Any]] = [
    {"url": "/a/egg", "json": {"title": "Ünï"}},
    {"url": "/a/x/y%2Fz?wait=2", "json": {"title": "a", "count": 2}},
    {"url": "/a/egg?wait=1&wait=3&unknown=1", "json": {"title": "a"}},
]
WRONG: list[dict[str, Any]] = [
    {"url": "/a/nobody", "json": {"title": "a"}},
    {"url": "/a/egg?wait=-1", "json": {"title": 1, "more": 2}},
    {"url": "/a/egg?wait=soon", "json": {"title": "a"}},
    {"url": "/a/egg", "json": None},
    {"url": "/a/egg", "json": []},
    {"url": "/a/egg", "json": {"title": "a\0"}},
    {"url": "/a/egg"},
    {"url": "/a/egg", "content": "{", "headers": JSON},
    {"url": "/a/egg", "content": "{", "headers": TEXT},
    {
        "url": "/a/egg",
        "content": '{"title": "a\\u0000"}',
        "headers": TEXT,
    },
    {"url": "/a/egg", "content": b"\xff", "headers": JSON},
    {"url": "/a/nobody", "content": "{", "headers": {"Authorization": ""}},
    {"url": "/a/egg", "json": {"title": "a"}, "headers": {"Authorization": ""}},
    {"url": "/a/%00", "json": {"title": "a"}},
    {"url": "/a/egg?x=%00", "json": {"title": "a"}},
    {"url": "/a/egg", "json": {"title": "a"}, "headers": {"X-Odd": b"\xff"}},
    {"url": "/a/egg", "content": "[" * 900, "headers": JSON},
    {"url": "/a/egg", "content": '{"title": "a", "count": 9223372036854775808}', "headers": JSON},
    {"url": "/a/egg", "content": [b'{"title":', b' "a"}'], "headers": JSON},
    {"url": "/a/egg", "json": {"title": "a" * LIMIT}},
]


@pytest.mark.parametrize("sent", [*RIGHT, *WRONG], ids=str)
def test_the_answer_is_fastapis_own_to_the_byte(sent: dict[str, Any]) -> None:
    direct = client_of().put(**sent)
    own = client_of(is_direct=False).put(**sent)

    assert (direct.status_code, direct.content) == (own.status_code, own.content)
    assert direct.headers.raw == own.headers.raw


@pytest.mark.parametrize("sent", RIGHT, ids=str)
def test_what_is_plainly_right_is_not_solved(sent: dict[str, Any], unsolved: list[int]) -> None:
    assert client_of().put(**sent).is_success
    assert unsolved == []


def test_what_a_plan_does_not_know_is_left_to_fastapi(unsolved: list[int]) -> None:
    async def plain(name: str, shop: str) -> Heard:
        return Heard(name=name, told=Told(title=""), wait=0, shop=shop)

    def in_a_thread(name: str, shop: str) -> Heard:
        return Heard(name=name, told=Told(title=""), wait=0, shop=shop)

    assert client_of(plain).put("/a/egg", json={}).json()["shop"] == "a"
    assert unsolved == []
    assert client_of(in_a_thread).put("/a/egg", json={}).json()["shop"] == "a"
    assert unsolved == [1]


def test_a_collision_is_tried_again() -> None:
    work = Work()
    work.failures = ["40P01", "40P01"]

    async def colliding(told: Told, shop: str, name: str) -> Heard:
        work()
        return Heard(name=name, told=told, wait=0, shop=shop)

    answer = client_of(colliding).put("/a/egg", json={"title": "a"})

    assert (answer.status_code, work.tries) == (HTTPStatus.OK, 3)


def test_an_error_of_the_endpoint_is_answered_and_the_endpoint_is_called_once() -> None:
    calls: list[str] = []

    async def failing(told: Told, shop: str, name: str) -> Heard:
        calls.append(shop + name)
        raise UnsupportedMediaTypeError(told.title)

    answer = client_of(failing).put("/a/egg", json={"title": "no"})

    assert (answer.status_code, answer.json()["detail"]) == (415, "no")
    assert calls == ["aegg"]
