"""Many texts at once get what each of them gets alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.text.many import foreign_shares, is_plain, text_digests, token_estimates
from worker.text.normal import MODEL_TEXT_LENGTH, estimate_tokens, foreign_share, text_digest

SIGNS = st.text(alphabet="aB1 _?!.,:;-[]()'#+\u00e9\u4e2d\n\t", max_size=60)
TAGGED = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", " ", " " * 41, "x", "[bug] "]),
    st.sampled_from(["[Solved]", "[  solved ]", "Re:", "re :", "Re" + " " * 40 + ":", "[Excel]"]),
    st.sampled_from(["", " ", " " * 45, "Fwd: "]),
    SIGNS,
)
TEXTS = st.lists(SIGNS | TAGGED, max_size=8)


@given(TEXTS)
def test_many_texts_have_the_digests_that_each_has_alone(texts: list[str]) -> None:
    assert text_digests(texts) == [text_digest(text).hex() for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "?",
        "?!",
        "...",
        "_",
        "a_b",
        "Is C++ hard?!",
        "Is 1.5 enough ?",
        " " * 41 + "[Solved] How do I boil an egg?",
        "Re" + " " * 40 + ": how do I boil an egg?",
        "How do I boil an egg and then another one [Solved]",
        "A" * 39 + "[x] y",
        "\u00df",
        "line\nline",
        "tab\there",
        "\x7f",
    ],
)
def test_a_text_has_its_digest_whatever_stands_beside_it(text: str) -> None:
    alone, among = (
        text_digests([text]),
        text_digests(["How?", text, "[Bug] login fails", "caf\u00e9"]),
    )

    assert alone == [text_digest(text).hex()]
    assert among[1] == alone[0]


def test_no_texts_have_no_digests() -> None:
    assert text_digests([]) == []
    assert foreign_shares([]) == []
    assert token_estimates([]) == []


@given(TEXTS)
def test_the_order_of_texts_is_kept_and_none_is_lost(texts: list[str]) -> None:
    turned = texts[::-1]

    assert text_digests(turned) == text_digests(texts)[::-1]
    assert len(text_digests(texts + texts)) == 2 * len(texts)


@pytest.mark.parametrize(
    ("texts", "plain"),
    [
        ([], True),
        ([""], True),
        (["a", "b ~ c"], True),
        (["a", "b\n"], False),
        (["a\tb"], False),
        (["caf\u00e9"], False),
        (["a", "\x00"], False),
        (["\u3000"], False),
    ],
)
def test_plain_is_printable_ascii_alone(texts: list[str], *, plain: bool) -> None:
    assert is_plain(texts) is plain


@given(
    st.lists(SIGNS | st.sampled_from(["a" * 100, "a" * 101, "\u4e2d" * 3, "b " * 80]), max_size=6)
)
def test_the_shares_of_foreign_letters_are_those_of_each(texts: list[str]) -> None:
    assert foreign_shares(texts) == [foreign_share(text) for text in texts]


@given(st.lists(SIGNS, max_size=6))
def test_tokens_are_estimated_of_what_models_read(texts: list[str]) -> None:
    long = [text * 100 for text in texts]

    assert token_estimates(texts) == [estimate_tokens(text) for text in texts]
    assert token_estimates(long) == [estimate_tokens(text[:MODEL_TEXT_LENGTH]) for text in long]
    assert max(token_estimates(long), default=3) <= 3 + MODEL_TEXT_LENGTH
