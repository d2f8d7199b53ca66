"""What is known of a pair from its texts: the same in both orders, and nothing hidden."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.scoring.overlap import overlaps, runs
from worker.scoring.traits import LONG_BODY, Traits, bodies
from worker.text.normal import Seen, TextFields, fields_read, seen

TEXT = st.text(alphabet="ab 1?é_\n[", max_size=90)
QUESTIONS = st.lists(
    st.builds(seen, title=TEXT, body=TEXT, fields=st.sampled_from(TextFields)),
    min_size=1,
    max_size=5,
)


def every_pair(questions: list[Seen]) -> list[tuple[int, int]]:
    return [(a, b) for a in range(len(questions)) for b in range(len(questions))]


@given(QUESTIONS)
def test_the_shorter_body_says_how_much_both_show_whatever_the_order(
    questions: list[Seen],
) -> None:
    pairs = np.array(every_pair(questions), np.int32)

    found = bodies(questions, pairs)

    assert found.tolist() == bodies(questions, pairs[:, ::-1]).tolist()
    for (a, b), share in zip(pairs.tolist(), found.tolist(), strict=True):
        shorter = min(len(list(runs(questions[one].body))) for one in (a, b))
        assert share == pytest.approx(min(1.0, shorter / LONG_BODY))


@given(QUESTIONS)
def test_traits_are_those_of_the_titles_and_of_the_bodies(questions: list[Seen]) -> None:
    pairs = np.array(every_pair(questions), np.int32)

    found = Traits.of(questions, pairs)
    titles_alone = Traits.of_titles([one.title for one in questions], pairs)

    titles = [one.title for one in questions]
    assert found.overlap.tolist() == overlaps(titles, pairs).tolist()
    assert found.bodies.tolist() == bodies(questions, pairs).tolist()
    assert titles_alone.overlap.tolist() == found.overlap.tolist()
    assert not titles_alone.bodies.any()


@given(TEXT, TEXT)
def test_a_body_that_the_forum_does_not_show_counts_nothing(title: str, body: str) -> None:
    hidden, shown = (seen(title, body, fields=fields) for fields in TextFields)

    assert hidden.body == (
        "" if fields_read(title, TextFields.TITLE) is TextFields.TITLE else shown.body
    )
    assert f"{shown.title} {shown.body}".strip() == shown.whole.strip()


def test_bodies_count_up_to_twenty_words() -> None:
    both = TextFields.TITLE_BODY
    questions = [
        seen("why", body, fields=both) for body in ("", "red, green", "so " * 20, "x " * 60)
    ]

    found = bodies(questions, np.array([[0, 3], [1, 3], [2, 3], [1, 2], [3, 3]], np.int32))

    assert found.tolist() == pytest.approx([0.0, 0.1, 1.0, 0.1, 1.0])
    assert found.dtype == np.float32


def test_some_pairs_keep_what_is_theirs() -> None:
    values = np.array([0.1, 0.2, 0.3], np.float32)

    which = np.array([True, False, True])
    found = Traits(overlap=values, bodies=values[::-1], density=values + 1).take(which)

    assert found.overlap.tolist() == values[[0, 2]].tolist()
    assert found.bodies.tolist() == values[[2, 0]].tolist()
    assert found.density is not None
    assert found.density.tolist() == (values + 1)[[0, 2]].tolist()


def test_no_pairs_have_no_traits() -> None:
    none = Traits.of([], np.zeros((0, 2), np.int32))

    assert none.overlap.shape == none.bodies.shape == (0,)
