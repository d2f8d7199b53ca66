"""Answers as records: newer fields are ignored, older services may lack some."""

from datetime import UTC, datetime

import pytest
from askedbefore_client import results

PAIR = {
    "id": "7",
    "kind": "model",
    "status": "flagged",
    "score": 0.9,
    "version": 2,
    "questions": [{"id": "a", "title": "A?", "new": 1}, {"id": "b", "title": "B?"}],
    "flagged_at": "2026-05-01T12:00:00Z",
    "decided_at": None,
    "scores": {"forward": 1.0},
}


def test_a_pair_has_its_sides_and_moments() -> None:
    page = results.pairs({"pairs": [PAIR], "next_cursor": "c", "total": 1})

    (pair,) = page.pairs
    assert [side.id for side in pair.questions] == ["a", "b"]
    assert pair.flagged_at == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert (pair.decided_at, pair.updated_at, page.next_cursor) == (None, None, "c")


def test_ids_are_texts_whatever_the_service_writes_them_as() -> None:
    raw = {"id": 7, "pair_id": 8, "kind": "close", "question_id": "q", "due_at": None}

    page = results.actions({"actions": [raw], "next": 9})

    assert (page.actions[0].id, page.actions[0].pair_id, page.next) == ("7", "8", "9")
    assert page.actions[0].due_at is None


def test_an_item_of_a_batch_counts_from_where_its_call_begins() -> None:
    raw = {"index": 2, "id": "a", "outcome": None, "errors": [{"detail": "is required"}]}

    item = results.batch_item(raw, first=1_000)

    assert (item.index, item.id, item.outcome) == (1_002, "a", None)
    assert [str(one) for one in item.errors] == ["is required"]


@pytest.mark.parametrize("missing", ["id", "state", "title"])
def test_a_question_without_what_it_must_have_is_refused(missing: str) -> None:
    raw = {"id": "1", "state": "done", "title": "Egg?"}
    assert results.stored(raw).duplicates == ()
    del raw[missing]

    with pytest.raises(TypeError):
        results.stored(raw)


def test_suggestions_and_warnings_come_as_tuples() -> None:
    raw = {"duplicates": [{"id": "2", "title": "T", "score": 0.9, "kind": "model", "answers": 3}]}

    found = results.checked({**raw, "warnings": ["w"], "check_id": "c"})

    assert (found.duplicates[0].id, found.warnings, found.check_id) == ("2", ("w",), "c")
    assert results.checked({}).duplicates == ()
