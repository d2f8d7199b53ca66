"""What is sent: addresses that lead to any id, and pieces that one call takes."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from askedbefore_client import Question
from askedbefore_client.calls import BATCH_SIZE, Call, Calls, PairsQuery, chunks
from hypothesis import given
from hypothesis import strategies as st

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
CALLS = Calls("cooks")


@given(IDS)
def test_an_id_is_one_step_of_the_address(name: str) -> None:
    for call in (CALLS.get(name), CALLS.delete(name), CALLS.submit(Question(id=name, title="t"))):
        head, _, last = call.path.rpartition("/")
        assert head == "/v1/forums/cooks/questions"
        assert unquote(last) == name
        assert not set("?# ") & set(call.path)


def test_a_forum_with_an_odd_name_stays_one_step() -> None:
    assert Calls("a/b?c").get("1").path == "/v1/forums/a%2Fb%3Fc/questions/1"


@given(
    st.lists(st.text("abc\u00e9\U0001f95a", max_size=30), max_size=30),
    st.integers(1, 5),
    st.integers(100, 400),
)
def test_pieces_are_in_order_complete_and_within_both_limits(
    titles: list[str], size: int, size_bytes: int
) -> None:
    questions = [Question(id=str(n), title=title) for n, title in enumerate(titles)]

    pieces = list(chunks(questions, size=size, size_bytes=size_bytes))

    assert [one for piece in pieces for one in piece] == questions
    for piece in pieces:
        total = sum(len(json.dumps(one.as_json()).encode()) for one in piece)
        assert 1 <= len(piece) <= size
        assert total <= size_bytes or len(piece) == 1


@pytest.mark.parametrize("total", [0, 1, BATCH_SIZE, BATCH_SIZE + 1, 2 * BATCH_SIZE + 3])
def test_places_in_a_batch_count_through_all_its_calls(total: int) -> None:
    questions = (Question(id=str(n), title="t") for n in range(total))
    places: list[int] = []

    for call in CALLS.batches(questions):
        sent = call.json["questions"]
        items = [{"index": n, "id": one["id"], "errors": []} for n, one in enumerate(sent)]
        places += [item.index for item in call.read({"items": items})]

    assert places == list(range(total))


def test_only_what_is_set_is_sent() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    question = Question(id="1", title="Egg?", visible=False, votes=0, tags=(), asked_at=moment)

    sent = CALLS.submit(question, wait_s=0).json

    assert sent == {
        "title": "Egg?",
        "body": "",
        "visible": False,
        "votes": 0,
        "tags": [],
        "asked_at": "2026-01-02T00:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("wait_s", "params"), [(0, None), (2, {"wait": "2"}), (0.5, {"wait": "0.5"})]
)
def test_waiting_is_asked_for_only_if_it_is_wanted(
    wait_s: float, params: dict[str, str] | None
) -> None:
    assert CALLS.submit(Question(id="1", title="t"), wait_s=wait_s).params == params


def test_filters_of_pairs_are_written_as_the_api_reads_them() -> None:
    since = datetime(2026, 1, 2, tzinfo=UTC)

    wanted = PairsQuery(min_score=0.0, updated_since=since, cursor=None, limit=5)
    call = CALLS.pairs(("flagged",), wanted)

    assert call.params == {
        "min_score": "0.0",
        "updated_since": "2026-01-02T00:00:00+00:00",
        "limit": "5",
        "status": ["flagged"],
    }


def test_a_check_is_the_only_call_that_is_not_made_again() -> None:
    question = Question(id="1", title="t")
    repeated: list[Call[Any]] = [
        CALLS.submit(question),
        CALLS.get("1"),
        CALLS.delete("1"),
        *CALLS.batches([question]),
        CALLS.outcome("c", "shown"),
        CALLS.actions(after=None, state="open", limit=1),
        CALLS.confirm("1", "applied", None),
    ]

    assert all(call.is_repeated for call in repeated)
    assert not CALLS.check("t").is_repeated
    assert CALLS.check("t").json == {"title": "t"}
    assert CALLS.check("t", "b").json == {"title": "t", "body": "b"}
