"""Stored rows as the API answers them."""

from datetime import timedelta
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.shapes.answers import duplicate_out, pair_out, question_out, status_url
from api.shapes.schemas import QuestionIn
from db.questions.rows import NO_FACTS, Answer, Facts
from db.rows import PairKind, PairStatus
from tests.rows.records import NOON, duplicate, forum_row, pair_row, question_row

VISIBLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@given(VISIBLE)
def test_an_address_of_a_question_is_one_step_of_ascii_that_leads_back_to_its_id(name: str) -> None:
    url = status_url(forum_row(), name)

    head, _, last = url.rpartition("/")
    assert head == "/v1/forums/cooks/questions"
    assert unquote(last) == name
    assert url.isascii()
    assert not set("?# ") & set(url)


def test_what_a_forum_knows_of_a_question_stands_beside_it() -> None:
    facts = Facts(answers=0, accepted=False, votes=-3, tags=("eggs", "hot"), closed=False)
    row = question_row(facts=facts.stored(), edited_at=NOON, revision=4, author="rosa")

    out = question_out(forum_row(), Answer(question=row, duplicates=[duplicate()]))

    assert (out.answers, out.accepted, out.votes, out.closed) == (0, False, -3, False)
    assert (out.tags, out.views, out.language) == (["eggs", "hot"], None, None)
    assert (out.edited_at, out.version, out.author) == (NOON, 4, "rosa")
    assert (out.forum, out.models.bi_encoder, out.models.reranker) == (
        "cooks",
        "encoder",
        "reranker",
    )
    assert [one.id for one in out.duplicates] == ["2"]


def test_a_question_without_facts_says_nothing_of_them() -> None:
    out = question_out(forum_row(), Answer(question=question_row(), duplicates=[]))

    assert (out.answers, out.accepted, out.accepted_answer, out.tags) == (None, None, None, [])
    assert out.warnings == []


@pytest.mark.parametrize(
    ("title", "is_warned"),
    [("How do I boil an egg?", False), ("Wie koche ich ein weiches Ei?", True)],
)
def test_a_language_that_the_models_do_not_know_is_a_warning(title: str, is_warned: bool) -> None:
    out = question_out(forum_row(), Answer(question=question_row(title=title), duplicates=[]))

    assert bool(out.warnings) == is_warned


def test_ids_of_pairs_are_texts_for_callers_whose_numbers_are_short() -> None:
    assert duplicate_out(duplicate(pair_id=2**53 + 1)).pair_id == "9007199254740993"
    assert pair_out(pair_row(id=2**53 + 1)).id == "9007199254740993"


def test_a_pair_has_both_sides_in_order_and_when_it_changed() -> None:
    later = NOON + timedelta(hours=1)
    row = pair_row(status=PairStatus.DUPLICATE, decided_at=later, changed_at=later, version=3)

    out = pair_out(row)

    assert [side.id for side in out.questions] == ["a", "b"]
    assert (out.status, out.version, out.decided_at, out.updated_at) == (
        PairStatus.DUPLICATE,
        3,
        later,
        later,
    )
    assert out.kind is PairKind.MODEL


@pytest.mark.parametrize(
    ("sent", "facts"),
    [
        ({}, NO_FACTS),
        ({"tags": []}, NO_FACTS),
        ({"accepted": None}, NO_FACTS),
        ({"accepted": True}, Facts(accepted=True)),
        ({"accepted": False}, Facts(accepted=False)),
        ({"accepted": "a-7"}, Facts(accepted_answer="a-7")),
        ({"accepted": 7}, Facts(accepted_answer="7")),
        ({"answers": 0}, Facts(answers=0)),
        ({"tags": ["b", "a"], "closed": False}, Facts(tags=("b", "a"), closed=False)),
    ],
)
def test_what_a_forum_says_is_kept_as_it_was_meant(sent: dict[str, object], facts: Facts) -> None:
    question = QuestionIn.model_validate({"title": "How do I boil an egg?", **sent})

    kept = question.submission("1").facts

    assert kept == facts
    assert (kept is NO_FACTS) == (facts is NO_FACTS)
