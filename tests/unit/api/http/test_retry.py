"""A transaction that Postgres undid for another's sake is tried again, whatever the route."""

import importlib
import pkgutil
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from api import console, routes
from api.http import errors
from api.http.retry import RetriedRoute


class PostgresError(Exception):
    def __init__(self, pgcode: str) -> None:
        self.pgcode = pgcode


class Work:
    """Fails as often as it is told, then works."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.tries = 0

    def __call__(self) -> None:
        self.tries += 1
        if self.failures:
            raise OperationalError("...", {}, PostgresError(self.failures.pop()))


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def client(work: Work) -> Iterator[TestClient]:
    router = APIRouter(route_class=RetriedRoute)

    @router.post("/json")
    def as_json(body: dict[str, Any]) -> dict[str, Any]:
        work()
        return body

    @router.post("/form")
    def as_form(name: Annotated[str, Form()]) -> str:
        work()
        return name

    @router.post("/stream")
    async def as_stream(request: Request) -> int:
        size = 0
        async for piece in request.stream():
            size += len(piece)
        work()
        return size

    app = FastAPI()
    app.include_router(router)
    errors.add_handlers(app)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


@pytest.mark.parametrize("code", ["40P01", "40001"], ids=["deadlock", "serialisation failure"])
def test_a_collision_is_tried_again_and_never_shown(
    client: TestClient, work: Work, code: str
) -> None:
    for sent in ({"url": "/json", "json": {"a": 1}}, {"url": "/form", "data": {"name": "Ana"}}):
        work.failures, work.tries = [code, code], 0

        answer = client.post(**sent)  # type: ignore[arg-type]

        assert (answer.status_code, work.tries) == (HTTPStatus.OK, 3)
        assert answer.json() in ({"a": 1}, "Ana")


def test_what_collides_without_end_is_put_off(client: TestClient, work: Work) -> None:
    work.failures = ["40P01"] * 9

    answer = client.post("/json", json={})

    assert (answer.status_code, work.tries) == (HTTPStatus.SERVICE_UNAVAILABLE, 3)
    assert "Retry-After" in answer.headers
    assert "others are changing the same rows" in answer.json()["detail"]


@pytest.mark.parametrize("code", ["57014", "08006", "53300"])
def test_any_other_failure_is_told_at_once(client: TestClient, work: Work, code: str) -> None:
    work.failures = [code]

    assert client.post("/json", json={}).status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert work.tries == 1


def test_a_body_that_was_streamed_is_not_read_twice(client: TestClient, work: Work) -> None:
    work.failures = ["40P01"]

    assert client.post("/stream", content=b"abc").status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert work.tries == 1


def test_every_route_is_tried_again() -> None:
    names = [one.name for one in pkgutil.iter_modules(routes.__path__)]
    public = [importlib.import_module(f"api.routes.{name}") for name in names]
    modules = (*public, *console._MODULES)  # noqa: SLF001
    found = [route for one in modules for route in one.router.routes if isinstance(route, APIRoute)]

    assert len(found) > 60
    assert [route.path for route in found if not isinstance(route, RetriedRoute)] == []
