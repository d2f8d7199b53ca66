import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.text.normal import (
    MODEL_TEXT_LENGTH,
    Reads,
    Seen,
    TextFields,
    clean,
    estimate_tokens,
    fields_read,
    first_digest,
    foreign_share,
    full_text,
    is_blank,
    model_text,
    normalise,
    seen,
    strip_tags,
    text_digest,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I boil an egg?", "how do i BOIL  an egg"),
        ("How do I boil an egg?", "How do I boil an egg ?!"),
        ("Caf\u00e9 near me?", "Cafe\u0301 near me"),
        ("How do I boil an\u200b egg", "How do I boil an egg"),
        ("\uff28ow many eggs?", "How many eggs"),
        ("[SOLVED] How do I boil an egg?", "Re: how do I boil an egg"),
        ("The \ufb01rst \u00a0egg", "the first egg"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645",
        ),
    ],
)
def test_what_a_reader_calls_the_same_text_has_one_digest(one: str, other: str) -> None:
    assert text_digest(one) == text_digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is C++ hard?", "Is C hard?"),
        ("Is C# hard?", "Is C hard?"),
        ("Is 1.5 enough?", "Is 15 enough?"),
        ("Can I eat it?", "Can't I eat it?"),
        ("Rome to Oslo", "Oslo to Rome"),
        ("[Bug] login fails today", "login fails today"),
        ("What is 2\u00b2\u2070?", "What is 220?"),
        ("Is H\u2082O wet?", "Is H2O wet?"),
        ("Is the Ma\u00dfe right?", "Is the Masse right?"),
        ("Is \u00bd enough?", "Is 1\u20442 enough?"),
        ("Is \u211d closed?", "Is R closed?"),
        ("[Excel] Sum by colour", "[Pandas] Sum by colour"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\U0001f469"),
    ],
)
def test_every_word_number_and_inner_sign_counts(one: str, other: str) -> None:
    assert text_digest(one) != text_digest(other)


def test_the_body_counts_only_where_the_models_see_it() -> None:
    assert full_text("Why is a title long?", "Body") == "Why is a title long?"
    assert full_text("Title", "Body", fields=TextFields.TITLE_BODY) == "Title Body"
    assert model_text("What is 2\u00b2\u2070 here?") == "What is 2^20 here?"
    assert model_text("Title", "First\nline", fields=TextFields.TITLE_BODY) == "Title First line"


def test_template_tags_are_kept_from_the_models_unless_nothing_would_remain() -> None:
    assert strip_tags("[Bug] [Feature request]: login fails") == "login fails"
    assert strip_tags("[Bug] [Windows 11]: login fails") == "Windows 11 login fails"
    assert strip_tags("[Excel] Sum by colour") == "Excel Sum by colour"
    assert strip_tags("[Solved] help") == "[Solved] help"
    assert strip_tags("How do I index a list [i] in Python?") == (
        "How do I index a list [i] in Python?"
    )


def test_other_scripts_are_told_from_other_latin_letters() -> None:
    assert (
        foreign_share("\u0627\u0644\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645") == 1.0
    )
    assert foreign_share("Wie koche ich \u00c4pfel?") == 0.0
    assert foreign_share("12345 ?!") == 0.0


@given(TEXT)
def test_normalising_twice_changes_nothing_and_leaves_one_clean_line(text: str) -> None:
    once = normalise(text)

    assert normalise(once) == once
    assert not any(unicodedata.category(char) == "Cc" for char in once)
    assert once == once.strip()


@given(TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(TEXT, st.text(max_size=3_000))
def test_what_the_models_see_is_one_bounded_line(title: str, body: str) -> None:
    seen = model_text(title, body, fields=TextFields.TITLE_BODY)

    assert len(seen) <= MODEL_TEXT_LENGTH
    assert "\n" not in seen


@given(TEXT)
def test_a_digest_ignores_case_and_space(text: str) -> None:
    assert text_digest(f"  {text} ") == text_digest(text)
    assert estimate_tokens(text) > 0


@pytest.mark.parametrize(
    "marks", ["\u0315\u0300", "\u0f73", "\uff9e", "\u0344", "\U0001d16d\U0001d165", "\u0300"]
)
def test_marks_without_end_on_one_letter_cost_no_more_than_other_text(marks: str) -> None:
    # Not timed: sorted in the square of their number these take hours.
    text = "a" + marks * 1_000_000

    assert len(clean(text)) < 100
    assert len(normalise(text)) < 100


def test_marks_that_people_write_stay() -> None:
    text = "Z" + "\u0334\u0335\u0336" * 10 + "algo"

    assert clean(text) == unicodedata.normalize("NFC", text)


def test_a_crossencoder_reads_the_title_or_the_whole() -> None:
    both = seen("[Bug] It  stops", "after\na minute", fields=TextFields.TITLE_BODY)

    assert both == Seen(whole="It stops after a minute", title="It stops")
    assert seen("Please help", "My oven", fields=TextFields.TITLE).whole == "Please help My oven"
    assert full_text("Please help", "My oven") == "Please help My oven"
    assert both.body == "after a minute"
    assert both.for_reranker(Reads.TITLE) == "It stops"
    assert both.for_reranker(Reads.WHOLE) == both.whole


@given(TEXT, TEXT, st.sampled_from(TextFields))
def test_the_bi_encoder_reads_what_it_was_always_given(
    title: str, body: str, fields: TextFields
) -> None:
    found = seen(title, body, fields=fields)

    assert found.whole == model_text(title, body, fields=fields_read(title, fields))
    assert found.title == model_text(title)


def test_the_models_read_six_hundred_characters_of_a_question() -> None:
    title, body = "why " * 50, "because   " * 120  # 1,200 characters, 960 on one line

    assert len(model_text("a" * 1_000)) == 600
    assert model_text(title, body, fields=TextFields.TITLE_BODY) == (
        f"{'why ' * 50}{'because ' * 50}".rstrip()
    )


def test_a_body_with_much_space_is_looked_at_to_twice_that_length() -> None:
    body = f"{' ' * 590}first{' ' * 590}second{' ' * 590}third"

    assert model_text("Why", body, fields=TextFields.TITLE_BODY) == "Why first second"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 3), ("abc", 3), ("abcd", 4), ("a" * 400, 103), ("\u4e2d" * 16, 9), ("\u00e9" * 16, 7)],
)
def test_tokens_are_estimated_by_characters_or_by_bytes(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("?", "?!", True),
        ("?", "!", False),
        ("Why", "Why?", True),
        ("Why", "Why…", True),
        ("Why:", "Why", False),
        ("?!", "!?", False),
    ],
)
def test_closing_punctuation_does_not_count_unless_nothing_else_is_there(
    one: str, other: str, *, is_same: bool
) -> None:
    assert (text_digest(one) == text_digest(other)) is is_same


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0.0),
        ("plain", 0.0),
        ("\u4e2d a", 0.5),
        ("\u4e2d\u4e2d\u4e2d \u00e9", 0.75),
        ("\u4e2d 12 ?", 1.0),
        ("\u00a7 12", 0.0),
    ],
)
def test_the_share_of_foreign_letters_is_one_of_letters_alone(text: str, share: float) -> None:
    assert foreign_share(text) == share


@given(st.text(st.characters(codec="ascii")))
def test_ascii_texts_keep_the_digest_that_is_stored_of_them(text: str) -> None:
    plain = text.replace(":", "").replace("[", "")

    assert text_digest(plain) == first_digest(plain)


@pytest.mark.parametrize("text", ["\u3164", "\u2800\u2800", " \ufe0f", "\u0301", "\u200d"])
def test_what_shows_nothing_is_blank(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(text + "a")


@pytest.mark.parametrize("text", ["\U0001f389\U0001f389", "deadbeef" * 13, "\u4e2d\u6587"])
def test_what_no_vocabulary_holds_is_foreign(text: str) -> None:
    assert foreign_share(text) > 0.5
    assert foreign_share(f"How do I write {text[:20]} in a file?") < 0.5


def test_joiners_that_are_seen_stay_in_what_is_stored() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

    assert clean(family) == family
    assert clean("\u0645\u06cc\u200c\u062e") == "\u0645\u06cc\u200c\u062e"
    assert clean("a\u200bb\u202ec") == "abc"
