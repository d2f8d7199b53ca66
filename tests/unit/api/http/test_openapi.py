"""What the description of the API says of refusals."""

from http import HTTPStatus

from fastapi import FastAPI
from pydantic import BaseModel

from api.http.openapi import conflict, describe, refusals


class Body(BaseModel):
    title: str


def described(path: str = "") -> FastAPI:
    app = FastAPI()

    @app.get("/v1/things")
    def read() -> Body: ...  # type: ignore[empty-body]

    @app.post("/v1/things")
    def write(body: Body) -> Body: ...  # type: ignore[empty-body]

    @app.get("/console")
    def page() -> None: ...

    describe(app, path=path)
    return app


def test_a_call_with_a_body_names_more_problems_than_one_without() -> None:
    paths = described().openapi()["paths"]

    reads, writes = (set(paths["/v1/things"][one]["responses"]) for one in ("get", "post"))
    assert {"401", "403", "404", "422", "500", "503"} <= reads
    assert {"400", "413", "415", "429"} <= writes - reads
    assert set(paths["/console"]["get"]["responses"]) == {"200"}


def test_every_problem_is_one_of_rfc_9457_and_fastapis_own_are_gone() -> None:
    schema = described().openapi()

    for code, answer in schema["paths"]["/v1/things"]["post"]["responses"].items():
        if not code.startswith("2"):
            assert list(answer["content"]) == ["application/problem+json"]
    assert "Problem" in schema["components"]["schemas"]
    assert "FieldProblem" in schema["components"]["schemas"]
    assert "HTTPValidationError" not in schema["components"]["schemas"]


def test_what_is_worth_another_try_says_when() -> None:
    answers = described().openapi()["paths"]["/v1/things"]["post"]["responses"]

    timed = {code for code, answer in answers.items() if "Retry-After" in answer.get("headers", {})}
    assert {"429", "503"} <= timed
    assert "422" not in timed


def test_it_is_made_once_and_says_where_the_service_is() -> None:
    app = described("/dup")

    assert app.openapi() is app.openapi()
    assert app.openapi()["servers"] == [{"url": "/dup"}]
    assert "servers" not in described().openapi()


def test_a_full_disk_says_when_to_come_again() -> None:
    found = refusals({HTTPStatus.INSUFFICIENT_STORAGE: "full", HTTPStatus.REQUEST_TIMEOUT: "slow"})

    assert "Retry-After" in found[507]["headers"]
    assert "headers" not in found[408]
    assert conflict("taken")[409]["description"] == "taken"
