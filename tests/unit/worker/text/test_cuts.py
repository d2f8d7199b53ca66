import time
from collections.abc import Callable

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


@pytest.mark.parametrize("prefix", ["Spaß:", "SPASS:", "spaẞ:"])
@pytest.mark.parametrize("title", ["Spaß: Why?", "SPASS: Why?", " spass: - Why?", "SPAẞ: Why?"])
def test_a_prefix_is_found_however_its_letters_are_written(prefix: str, title: str) -> None:
    assert Cuts.of([prefix], []).title(title) == "Why?"


@pytest.mark.parametrize("written", ["Gelo\u0308st:", "Gel\u00f6st:", "GEL\u00d6ST:"])
def test_a_prefix_is_found_whichever_way_its_accents_were_typed(written: str) -> None:
    cuts = Cuts.of([written], [f"{written} by *."])

    assert cuts.title("Gel\u00f6st: Why is it wet?") == "Why is it wet?"
    assert cuts.body("It is wet. gel\u00f6st: by Ana.") == "It is wet. "


@pytest.mark.parametrize(
    ("prefixes", "title", "read"),
    [
        (["Re", "Re: Frage"], "re: frage: Why?", "Why?"),
        (["A", "AB"], "ab a Why?", "Why?"),
        (["[x]"], "[x][X] Why?", "Why?"),
        (["Q"], "Q1 is hard", "Q1 is hard"),
        (["Q."], "Q.1 is hard", "1 is hard"),
        (["Q"], "Q", "Q"),
        (["Q"], "q - q | q", "q - q | q"),
        (["Longer than all"], "Longer", "Longer"),
        ([""], "Why?", "Why?"),
        (["Re:"], "", ""),
    ],
)
def test_the_longest_prefix_goes_first_and_words_stay_whole(
    prefixes: list[str], title: str, read: str
) -> None:
    assert Cuts.of(prefixes, []).title(title) == read


@given(
    st.lists(st.text(alphabet="aAß: İ", min_size=1, max_size=4), max_size=3),
    st.text(alphabet="aAßsS: İi-", max_size=20),
)
def test_a_title_without_prefixes_has_none_left_to_cut(prefixes: list[str], title: str) -> None:
    cuts = Cuts.of(prefixes, [])

    once = cuts.title(title)

    assert once == title or title.rstrip().endswith(once)
    assert once == title or cuts.title(once) == once


@pytest.mark.parametrize(("gap", "is_cut"), [(0, True), (200, True), (201, False), (5_000, False)])
@pytest.mark.parametrize("end", ["sent", " . . . (sent)"])
def test_a_star_stands_for_two_hundred_characters_at_most(
    gap: int, end: str, *, is_cut: bool
) -> None:
    text = f"Wet. From{'x' * gap}{end}!"

    assert (Cuts.of([], [f"from*{end}"]).body(text) == "Wet. !") is is_cut


def test_a_pattern_is_tried_at_two_hundred_places_in_vain_and_then_given_up() -> None:
    cuts = Cuts.of([], ["ab*cd"])
    few, many = "ab\n" * 199 + "ab cd", "ab\n" * 200 + "ab cd"

    assert cuts.body(few) == "ab\n" * 199
    assert cuts.body(many) == many


@pytest.mark.parametrize(
    ("title", "body", "read"),
    [
        ("Why is it wet?", "It leaks.", (None, None)),
        ("Re: Why is it wet?", "It leaks.", ("Why is it wet?", None)),
        ("Why is it wet?", "Sent from my phone.", (None, " ")),
        ("Why is it wet?", "It leaks. Sent from my phone.", (None, "It leaks.")),
        ("Why? Sent from my phone.", "", ("Why?", None)),
        ("Sent from my phone.", "", (None, None)),
    ],
)
def test_what_is_read_is_named_only_where_something_was_cut(
    title: str, body: str, read: tuple[str | None, str | None]
) -> None:
    assert CUTS.read(title, body) == read


def test_where_nothing_is_to_be_cut_nothing_is_looked_at() -> None:
    assert NO_CUTS.read("Re: Why?", "Sent from my phone.") == (None, None)
    assert cuts_of(["Re:"], []) is cuts_of(["Re:"], [])


def test_of_a_body_that_was_cut_no_more_is_kept_than_could_be_read() -> None:
    _, read = CUTS.read("Why is it wet?", "Sent from my phone." + "x" * 5_000)

    assert read == "x" * 2_400


@given(
    st.lists(st.sampled_from(["ab*cd", "abc", "c*d*e", "xyz"]), max_size=3), st.text("abcdexyz\n")
)
def test_what_is_left_of_a_body_stands_in_it_in_that_order(patterns: list[str], body: str) -> None:
    left = Cuts.of([], patterns).body(body)
    rest = iter(body)

    assert all(char in rest for char in left)
    assert left.count("\n") == body.count("\n")


@pytest.mark.parametrize("text", ["Re:", " [SOLVED] ", "x" * 500])
def test_a_usable_prefix_is_kept_without_the_space_around_it(text: str) -> None:
    assert check_prefix(text) == text.strip()


@pytest.mark.parametrize("text", ["abc", " a1b * ", "Sent from my *", "x" * 500])
def test_usable_boilerplate_is_kept_without_the_space_around_it(text: str) -> None:
    assert check_boilerplate(text) == text.strip()


@pytest.mark.parametrize(
    ("check", "said"),
    [(check_prefix, "1 to 500 characters"), (check_boilerplate, "at least 3 letters")],
)
def test_what_cannot_be_a_pattern_is_told_its_limits(
    check: Callable[[str], str], said: str
) -> None:
    for text in ("", "x" * 501):
        with pytest.raises(InvalidInputError, match=said):
            check(text)
