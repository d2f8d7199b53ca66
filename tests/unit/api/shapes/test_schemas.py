from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from api.shapes.schemas import QuestionIn


def faults(**fields: object) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        QuestionIn.model_validate({"title": "How do I boil an egg?", **fields})
    return {str(one["loc"][0]): one["msg"] for one in caught.value.errors()}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": 7}, "title"),
        ({"title": None}, "title"),
        ({"title": ["egg"]}, "title"),
        ({"title": " "}, "title"),
        ({"title": "\ud83d"}, "title"),
        ({"body": None}, "body"),
        ({"visible": "yes"}, "visible"),
        ({"visible": 1}, "visible"),
        ({"url": "ftp://a.example"}, "url"),
        ({"asked_at": 1_700_000_000}, "asked_at"),
        ({"asked_at": "1700000000"}, "asked_at"),
        ({"asked_at": "2024-05-01"}, "asked_at"),
        ({"asked_at": "2024-05-01T12:00:00"}, "asked_at"),
        ({"asked_at": "2024-13-01T12:00:00Z"}, "asked_at"),
        ({"asked_at": "0001-01-01T00:00:00+23:59"}, "asked_at"),
        ({"accepted": "a" * 201}, "accepted"),
        ({"accepted": 1.5}, "accepted"),
        ({"labels": []}, "labels"),
        ({"id": "egg"}, "id"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(fields: dict[str, object], field: str) -> None:
    assert list(faults(**fields)) == [field]


def test_fields_arrive_clean() -> None:
    question = QuestionIn.model_validate(
        {"title": " egg\x00s ", "author": "", "asked_at": "2024-05-01T12:00:00+02:00"}
    )

    assert (question.title, question.author, question.visible) == ("eggs", None, True)
    assert question.asked_at == datetime(2024, 5, 1, 10, tzinfo=UTC)


def test_the_accepted_answer_is_cleaned_like_other_labels() -> None:
    def accepted(told: object) -> object:
        return QuestionIn.model_validate({"title": "eggs", "accepted": told}).accepted

    assert accepted(" a\n7 ") == "a 7"
    assert accepted("\t") is None
    assert accepted("a" * 200) == "a" * 200
    assert [accepted(told) for told in (True, False, 7, None)] == [True, False, 7, None]
