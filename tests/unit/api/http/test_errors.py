import errno
import json
from http import HTTPStatus

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from api.http import errors
from api.http.errors import ForbiddenError, UnauthenticatedError, problem, problem_type, status_of
from api.http.middleware import Observer, PayloadLimit
from db.engine import DRIVERS_OWN
from db.errors import (
    BackpressureError,
    ConflictError,
    ForumNotFoundError,
    IncompatibleModelError,
    InvalidInputError,
    QuestionNotFoundError,
    ServiceError,
    TransientError,
)


class FewMetrics:
    def __init__(self) -> None:
        registry = CollectorRegistry()
        labels = ("method", "route")
        self.requests = Counter("r", "r", (*labels, "status"), registry=registry)
        self.seconds = Histogram("s", "s", labels, registry=registry)
        self.in_flight = Gauge("f", "f", registry=registry)


def client_for(error: Exception) -> TestClient:
    app = FastAPI()

    @app.get("/")
    def fail() -> None:
        raise error

    @app.post("/")
    def take(body: dict[str, str]) -> dict[str, str]:
        return body

    errors.add_handlers(app)
    app.add_middleware(PayloadLimit, limit=100, archive_limit=1_000)
    app.add_middleware(Observer, metrics=FewMetrics())  # type: ignore[arg-type]
    return TestClient(app)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnauthenticatedError(), 401),
        (ForbiddenError(), 403),
        (ForumNotFoundError("cooks"), 404),
        (QuestionNotFoundError("1"), 404),
        (ConflictError(), 409),
        (InvalidInputError(), 422),
        (BackpressureError(forum="cooks", pending=9, retry_after_s=7), 429),
        (TransientError(), 503),
        (IncompatibleModelError(), 500),
        (ServiceError(), 500),
    ],
)
def test_each_branch_of_the_tree_has_its_status(error: ServiceError, status: int) -> None:
    assert status_of(error) == status

    answer = client_for(error).get("/")

    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_may_be_tried_again_says_when() -> None:
    answer = client_for(BackpressureError(forum="cooks", pending=9, retry_after_s=7)).get("/")

    assert answer.headers["retry-after"] == "7"
    assert answer.json() == {
        "type": "urn:askedbefore:backpressure",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "forum 'cooks' has 9 waiting questions already; try again in 7 s",
    }


def test_types_are_the_names_of_the_errors() -> None:
    assert problem_type(QuestionNotFoundError("1")) == "urn:askedbefore:question-not-found"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("the password is hunter2"),
        IntegrityError("INSERT", {"title": "hunter2"}, Exception("hunter2")),
        ServiceError("hunter2"),
    ],
)
def test_an_unexpected_error_is_logged_by_its_place_and_never_quoted(
    error: Exception, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = client_for(error).get("/")

    assert answer.status_code == 500
    logged = "".join(capfd.readouterr()) + caplog.text
    assert type(error).__name__ in logged
    assert "hunter2" not in logged + answer.text
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "error",
    [OperationalError("SELECT", {}, Exception("gone")), *(one("gone") for one in DRIVERS_OWN)],
)
def test_a_database_that_is_away_is_worth_another_try(error: Exception) -> None:
    answer = client_for(error).get("/")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "gone" not in answer.text


def test_a_body_too_large_is_refused_whether_announced_or_not() -> None:
    client = client_for(RuntimeError())
    body = json.dumps({"a": "x" * 100}).encode()

    announced = client.post("/", content=body)
    chunked = client.post(
        "/", content=iter([body[:60], body[60:]]), headers={"content-type": "application/json"}
    )

    for answer in (announced, chunked):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == "the body has more than 100 bytes"
        assert answer.json()["type"] == "urn:askedbefore:body-too-large"


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"a": "\xff"}', b"\xff\xfe", b"[" * 90, b"{'a': 1}"],
)
def test_a_body_that_is_no_json_is_400(body: bytes) -> None:
    answer = client_for(RuntimeError()).post(
        "/", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:askedbefore:broken-body"


def test_unknown_places_and_methods_are_problems_too() -> None:
    client = client_for(RuntimeError())

    nowhere, wrong = client.get("/nowhere"), client.delete("/")

    assert (nowhere.status_code, wrong.status_code) == (404, 405)
    assert {call.headers["content-type"] for call in (nowhere, wrong)} == {
        "application/problem+json"
    }
    assert set(wrong.headers["allow"].split(", ")) >= {"GET"}


def test_half_a_surrogate_pair_can_be_talked_about() -> None:
    answer = problem(HTTPStatus.BAD_REQUEST, "no field \ud83d")

    assert json.loads(bytes(answer.body))["detail"] == "no field ?"


@pytest.mark.parametrize(("is_cut", "status"), [(True, 503), (False, 500)])
def test_a_connection_that_is_cut_is_a_database_away_by_any_name(
    is_cut: bool,  # pytest gives it by its name
    status: int,
) -> None:
    no_message = Exception("error with status PGRES_TUPLES_OK and no message from the libpq")
    error = DatabaseError("SELECT", {}, no_message, connection_invalidated=is_cut)

    assert client_for(error).get("/").status_code == status


class FullDatabase(Exception):  # noqa: N818  # as psycopg2 has it
    pgcode = "53100"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OSError(errno.ENOSPC, "no space left"), 507),
        (OSError(errno.EDQUOT, "quota"), 507),
        (OSError(errno.EFBIG, "file too large"), 507),
        (OperationalError("INSERT", {}, FullDatabase()), 507),
        (OSError(errno.EBADF, "bad file"), 500),
    ],
)
def test_a_full_disk_is_said_to_be_one(error: Exception, status: int) -> None:
    answer = client_for(error).get("/")

    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (status == 507)
