"""What fails behind the console is told as a page to people and as a problem to scripts."""

import errno
from http import HTTPStatus

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from api.console.entering.access import ConsoleRoute
from api.http.errors import add_handlers
from db.errors import ConflictError, ReadOnlyDatabaseError, TransientError
from db.tenants.attempts import TooManyAttemptsError


class FullDatabase(Exception):  # noqa: N818  # as psycopg2 has it
    pgcode = "53100"


def client_for(error: Exception) -> TestClient:
    router = APIRouter(route_class=ConsoleRoute)

    @router.post("/decide")
    def fail() -> None:
        raise error

    app = FastAPI()
    app.include_router(router)
    add_handlers(app)
    return TestClient(app, raise_server_exceptions=False)


FAILURES = {
    "it is asked to wait": (TransientError("later", retry_after_s=7), 503, "7"),
    "the database fails over": (ReadOnlyDatabaseError(), 503, "5"),
    "the database is away": (OperationalError("SELECT", {}, Exception("gone")), 503, "2"),
    "the database's disk is full": (OperationalError("INSERT", {}, FullDatabase()), 507, "300"),
    "this disk is full": (OSError(errno.ENOSPC, "no space left"), 507, "300"),
    "too many guessed": (TooManyAttemptsError(), 429, "600"),
    "somebody was quicker": (ConflictError(), 409, None),
}


@pytest.mark.parametrize(("error", "status", "when"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_failure_has_its_status_and_says_when_to_try_again(
    error: Exception, status: int, when: str | None, accept: str
) -> None:
    answer = client_for(error).post("/decide", headers={"Accept": accept})

    kind = "text/html" if accept == "text/html" else "application/problem+json"
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == when
    assert answer.headers["content-type"].startswith(kind)
    assert HTTPStatus(status).phrase in answer.text


def test_what_nobody_expected_stays_an_error_of_the_service() -> None:
    answer = client_for(OSError(errno.EBADF, "bad file")).post("/decide")

    assert answer.status_code == 500
