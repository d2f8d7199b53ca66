"""The description of the API, as people read it."""

from typing import Any

import pytest

from api.routes import reading


def operation(**given: Any) -> reading.Operation:
    one = {"responses": {"204": {"description": "Done"}}, **given}
    found = reading._operations({"paths": {"/v1/x": {"put": one}}})  # noqa: SLF001  # pure
    return next(iter(found))


def test_a_call_is_described_by_what_it_takes_and_answers() -> None:
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/QuestionOut"}}}
    found = operation(
        summary="Put",
        tags=["questions"],
        requestBody={"content": schema},
        responses={
            "404": {"content": {"application/problem+json": {"schema": {}}}},
            "200": {"description": "OK", "content": schema},
            "204": {"description": "Nothing to say"},
        },
    )

    assert (found.method, found.path, found.tag, found.body) == (
        "PUT",
        "/v1/x",
        "questions",
        "QuestionOut",
    )
    assert found.answers == [
        ("200", "QuestionOut"),
        ("204", "Nothing to say"),
        ("404", "application/problem+json"),
    ]


@pytest.mark.parametrize("tags", [{}, {"tags": []}])
def test_a_call_without_words_is_listed_all_the_same(tags: dict[str, list[str]]) -> None:
    found = operation(**tags)

    assert (found.summary, found.description, found.tag, found.body) == ("", "", "", None)
