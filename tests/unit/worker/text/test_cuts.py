import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import InvalidInputError
from worker.text.cuts import NO_CUTS, Cuts, check_boilerplate, check_prefix, cuts_of
from worker.text.intake import Submission, question_of

CUTS = Cuts.of(["[SOLVED]", "Re:", "Frage"], ["Sent from my *.", "Steps to reproduce:\n1."])


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("[solved] Why is it wet?", "Why is it wet?"),
        ("Re: re: [Solved] - Why is it wet?", "Why is it wet?"),
        ("Frage: Why is it wet?", "Why is it wet?"),
        ("Fragestellung of the exam?", "Fragestellung of the exam?"),
        ("Why is it [SOLVED] wet?", "Why is it [SOLVED] wet?"),
        ("Re:", "Re:"),
    ],
)
def test_prefixes_do_not_count_but_never_all_of_a_title(title: str, read: str) -> None:
    assert CUTS.title(title) == read


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ("It leaks.\nSent from my phone.", "It leaks.\n"),
        ("Sent from my\nhouse. It leaks.", "Sent from my\nhouse. It leaks."),
        ("steps to reproduce:\n1. Turn it on", " Turn it on"),
        ("Nothing of it.", "Nothing of it."),
    ],
)
def test_boilerplate_does_not_count(body: str, read: str) -> None:
    assert CUTS.body(body) == read


def test_two_questions_that_differ_in_what_does_not_count_have_the_same_text() -> None:
    one = Submission(external_id="1", title="[SOLVED] Why is it wet?", body="Sent from my phone.")
    other = Submission(external_id="2", title="Why is it wet?")

    first = question_of(one, text_fields="title_body", cuts=CUTS)
    second = question_of(other, text_fields="title_body", cuts=CUTS)

    assert first.text_digest == second.text_digest
    assert (first.title, first.body) == ("[SOLVED] Why is it wet?", "Sent from my phone.")
    assert (second.read_title, second.read_body) == (None, None)


def test_a_forum_that_says_nothing_changes_no_digest() -> None:
    given = Submission(external_id="1", title="Re: Why?", body="Sent from my phone.")

    assert question_of(given, text_fields="title") == question_of(
        given, text_fields="title", cuts=cuts_of([], [])
    )
    assert cuts_of([], []) is NO_CUTS


@given(st.text(max_size=80), st.text(max_size=200))
def test_what_is_cut_is_never_longer_and_the_rest_keeps_its_order(title: str, body: str) -> None:
    rest = iter(body)

    assert len(CUTS.title(title)) <= len(title)
    assert all(char in rest for char in CUTS.body(body))


def test_the_time_is_bounded_whatever_a_forum_writes() -> None:
    hostile = Cuts.of([], ["a*a*a*a*a*a*a*b" for _ in range(50)])
    begun = time.process_time()

    hostile.body("a" * 100_000)

    assert time.process_time() - begun < 2


@pytest.mark.parametrize("text", ["", " ", "x" * 501])
def test_what_is_no_prefix_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        check_prefix(text)


@pytest.mark.parametrize("text", ["", "*", "--", "x" * 501])
def test_boilerplate_that_would_be_found_everywhere_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        check_boilerplate(text)
