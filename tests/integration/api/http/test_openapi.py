"""The description of the API is complete, and the API answers as it is described."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from api.app import create_app
from tests.conftest import empty
from tests.integration.api.routes.test_health import prove
from tests.servers.api_service import NotingQueue, make_client, make_key, make_settings
from worker.queue import CheckAnswer

DESCRIPTION: dict[str, Any] = create_app(make_settings(), sessionmaker(), NotingQueue()).openapi()
OPERATIONS = [
    (path, method) for path, methods in DESCRIPTION["paths"].items() for method in methods
]
CASES = [
    (path, method, mode)
    for path, method in OPERATIONS
    for mode in GenerationMode
    if path.startswith("/v1")
    or mode is GenerationMode.POSITIVE  # otherwise there is nothing to break
]


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[TestClient]:
    """One service for all calls: what one of them leaves, the next has to bear."""
    sessions = sessionmaker(engine, expire_on_commit=False)
    queue = NotingQueue()
    queue.answer = CheckAnswer(threshold=0.5, bi_encoder="b", reranker="r")
    key = make_key(sessions, "cooks", scopes=("admin",))
    prove(sessions)
    with make_client(sessions, key, queue=queue, wait_limit_s=0, readiness_proof_s=3600) as client:
        yield client
    empty(engine)


@pytest.fixture(scope="module")
def description(client: TestClient) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", client.app)


def _excluded(path: str, case: schemathesis.Case[Any]) -> list[Any]:
    # That a text is empty once it is cleaned, or a cursor none of ours, is nothing a schema says.
    checks: list[Any] = [positive_data_acceptance]
    body = case.meta.components.get(ParameterLocation.BODY) if case.meta is not None else None
    is_bad_body = body is not None and body.mode is GenerationMode.NEGATIVE
    if path.endswith(":batch") or not is_bad_body:
        # Bad questions of a batch are refused one by one; parameters nobody knows are ignored.
        checks.append(negative_data_rejection)
    return checks


@pytest.mark.parametrize(("path", "method", "mode"), CASES)
def test_every_answer_is_as_it_is_described(
    client: TestClient, description: Any, path: str, method: str, mode: GenerationMode
) -> None:
    # Each upload starts a process that reads the file: its answers are also in test_uploads.
    operation = description[path][method]

    is_upload = (method, path) == ("post", "/v1/forums/{forum}/archives")

    @settings(max_examples=4 if is_upload else 12, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case[Any]) -> None:
        if "forum" in case.path_parameters:
            case.path_parameters["forum"] = "cooks"
        case.call_and_validate(
            headers={"Authorization": client.headers["Authorization"]},
            excluded_checks=_excluded(path, case),
            timeout=120,
        )

    check()


def test_every_call_names_its_problems_and_its_key() -> None:
    for path, method in OPERATIONS:
        operation = DESCRIPTION["paths"][path][method]
        assert operation["summary"]
        assert operation["description"]
        if path.startswith("/v1/"):
            assert operation["security"] == [{"HTTPBearer": []}]
            assert {"401", "403", "404", "422", "500", "503"} <= operation["responses"].keys()
            assert list(operation["responses"]["404"]["content"]) == ["application/problem+json"]
        if "requestBody" in operation:
            assert {"400", "413", "415", "429"} <= operation["responses"].keys()


def test_an_upload_names_what_can_become_of_it() -> None:
    answers = DESCRIPTION["paths"]["/v1/forums/{forum}/archives"]["post"]["responses"]

    assert {"202", "400", "408", "409", "413", "415", "422", "429", "503", "507"} <= answers.keys()
    assert "Retry-After" in answers["507"]["headers"]


def test_names_of_operations_are_unique_and_plain() -> None:
    names = [DESCRIPTION["paths"][path][method]["operationId"] for path, method in OPERATIONS]

    assert len(set(names)) == len(names)
    assert "put_question" in names


def test_no_page_that_loads_scripts_from_elsewhere_is_served(client: TestClient) -> None:
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404


def test_the_description_is_a_page_where_the_operator_serves_it() -> None:
    with make_client(sessionmaker(), None, serve_docs=True) as reader:
        page = reader.get("/docs")

    assert page.status_code == 200
    assert "/v1/forums/{forum}/actions/{action_id}" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
