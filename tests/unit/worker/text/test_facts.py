"""What a forum says of a question besides its text: cleaned, bounded, and counted only if given."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.questions.rows import NO_FACTS, Facts
from worker.text.intake import (
    LABEL_LENGTH,
    MOST,
    TAGS,
    FieldError,
    Submission,
    body_of,
    count_of,
    facts_of,
    id_of,
    instant_of,
    label_of,
    language_of,
    parse_instant,
    question_of,
    tags_of,
    title_of,
    url_of,
    votes_of,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COUNTS = st.none() | st.integers(0, MOST)
LABELS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
FACTS = st.builds(
    Facts,
    answers=COUNTS,
    accepted=st.none() | st.booleans(),
    accepted_answer=LABELS,
    views=COUNTS,
    votes=st.none() | st.integers(-MOST, MOST),
    tags=st.lists(st.sampled_from(["eggs", " eggs ", "soft  boiled", "", "\u200b", "caf\u00e9"])),
    closed=st.none() | st.booleans(),
    language=st.sampled_from([None, "", " ", "en", "pt_BR", " de-AT ", "zh-Hant-TW"]),
)


def sent(**changes: object) -> Submission:
    fields = {"external_id": "q1", "title": "How do I boil an egg?", **changes}
    return Submission(**fields)  # type: ignore[arg-type]


def refused(facts: Facts) -> str:
    with pytest.raises(FieldError) as caught:
        facts_of(facts)
    return str(caught.value)


@given(FACTS)
def test_cleaned_facts_are_clean(facts: Facts) -> None:
    once = facts_of(facts)

    assert facts_of(once) == once
    assert once.accepted_answer is None or once.accepted_answer == label_of(once.accepted_answer)
    assert len(set(once.tags)) == len(once.tags)


@given(FACTS)
def test_facts_survive_their_json(facts: Facts) -> None:
    cleaned = facts_of(facts)

    stored = json.loads(json.dumps(cleaned.stored()))

    assert Facts.of(stored) == cleaned
    assert (stored is None) is (cleaned is NO_FACTS)


@pytest.mark.parametrize(
    "facts",
    [
        Facts(tags=[]),
        Facts(tags=["", " ", "\u200b"]),
        Facts(language=" "),
        Facts(accepted_answer="\t"),
    ],
)
def test_facts_that_say_nothing_are_no_facts(facts: Facts) -> None:
    assert facts_of(facts) is NO_FACTS


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        (Facts(answers=0), {"answers": 0}),
        (Facts(votes=-3, closed=False), {"votes": -3, "closed": False}),
        (Facts(accepted_answer="a 7 "), {"accepted_answer": "a 7", "accepted": True}),
        (
            Facts(accepted=False, accepted_answer="a7"),
            {"accepted_answer": "a7", "accepted": False},
        ),
        (Facts(tags=["b", "a", "b "]), {"tags": ["b", "a"]}),
        (Facts(language="pt_BR"), {"language": "pt-BR"}),
        (Facts(views=MOST), {"views": MOST}),
    ],
)
def test_what_is_known_is_kept_and_nothing_else(facts: Facts, kept: dict[str, object]) -> None:
    assert json.loads(json.dumps(facts_of(facts).stored())) == kept


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts(answers=-1), "answers: must lie between 0 and 9,000,000,000,000,000"),
        (Facts(views=MOST + 1), "views: must lie between 0 and"),
        (Facts(votes=-MOST - 1), "votes: must lie between -9,000,000,000,000,000 and"),
        (Facts(tags=[f"t{n}" for n in range(TAGS + 1)]), "tags: must be at most 50"),
        (Facts(tags=["a" * (LABEL_LENGTH + 1)]), "tags: must have at most 200 characters"),
        (Facts(tags=["\ud800"]), "tags: must be valid Unicode"),
        (Facts(language="mandarins"), "language: must be a language tag"),
        (Facts(language="e"), "language: must be a language tag such as en or pt-BR"),
        (Facts(language="en-"), "language: must be a language tag"),
        (Facts(accepted_answer="a" * 201), "accepted_answer: must have at most 200"),
    ],
)
def test_a_fact_that_cannot_be_is_named(facts: Facts, said: str) -> None:
    assert refused(facts).startswith(said)


def test_fifty_tags_are_not_too_many_and_the_same_twice_counts_once() -> None:
    many = [f"t{n}" for n in range(TAGS)]

    assert tags_of([*many, *many]) == tuple(many)


@pytest.mark.parametrize(("value", "is_kept"), [(None, True), (0, True), (MOST, True), (-1, False)])
def test_counts_are_never_negative(value: int | None, *, is_kept: bool) -> None:
    if is_kept:
        assert count_of(value) == votes_of(value) == value
    else:
        assert votes_of(value) == value
        with pytest.raises(ValueError, match="between 0 and"):
            count_of(value)


@given(
    st.datetimes(
        min_value=datetime(1990, 1, 2),  # noqa: DTZ001  # the zone is drawn beside it
        max_value=datetime(2025, 12, 30),  # noqa: DTZ001
        timezones=st.sampled_from(
            [UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))]
        ),
    )
)
def test_a_moment_read_from_text_is_the_moment_that_was_written(moment: datetime) -> None:
    parsed = parse_instant(moment.isoformat())

    assert parsed == moment
    assert isinstance(parsed, datetime)
    kept = instant_of(parsed, now=NOW)
    assert kept == moment
    assert kept.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024-05-01",
        "12:00",
        "2024-13-01T12:00:00Z",
        "2024-05-01T25:00Z",
        "20240501T1200Z",
    ],
)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="2024-05-01T12:00:00Z"):
        parse_instant(text)


@pytest.mark.parametrize("value", [None, 7, NOW])
def test_what_is_no_text_is_left_to_others(value: object) -> None:
    assert parse_instant(value) is value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("updated_at", NOW),
        ("version", 3),
        ("facts", Facts(votes=0)),
        ("facts", Facts(closed=False)),
    ],
)
def test_what_is_said_beside_changes_the_content_and_not_the_text(
    field: str, value: object
) -> None:
    plain = question_of(sent(), text_fields="title", now=NOW)

    more = question_of(sent(**{field: value}), text_fields="title", now=NOW)

    assert more.content_digest != plain.content_digest
    assert more.text_digest == plain.text_digest


def test_no_facts_and_empty_facts_are_one_content() -> None:
    plain = question_of(sent(), text_fields="title", now=NOW)

    empty = question_of(sent(facts=Facts(tags=[" "])), text_fields="title", now=NOW)

    assert empty == plain


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"updated_at": datetime(1989, 1, 1, tzinfo=UTC)}, "updated_at: must lie between"),
        ({"version": -1}, "version: must lie between 0 and"),
        ({"facts": Facts(answers=-2)}, "answers: must lie between 0 and"),
    ],
)
def test_the_field_that_cannot_be_used_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(FieldError) as caught:
        question_of(sent(**changes), text_fields="title", now=NOW)

    assert str(caught.value).startswith(said)
    assert caught.value.field == said.partition(":")[0]


def test_the_first_field_that_is_wrong_is_the_one_that_is_named() -> None:
    with pytest.raises(FieldError) as caught:
        question_of(sent(external_id="", title="", url="x"), text_fields="title")

    assert caught.value.field == "id"


@given(st.text(max_size=50))
def test_an_id_is_taken_as_it_is_or_not_at_all(text: str) -> None:
    try:
        kept = id_of(text)
    except ValueError:
        return

    assert kept == text == text.strip()
    assert kept.encode()


@pytest.mark.parametrize("text", ["a/b", "a b", "\u4e2d", "...", "a" * 200, "%2e%2e", "-1"])
def test_ids_of_many_kinds_are_taken(text: str) -> None:
    assert id_of(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (None, None),
        ("", None),
        (" \n ", None),
        (" https://a.example/b?c=%20#d ", "https://a.example/b?c=%20#d"),
        ("HTTP://A.example", "HTTP://A.example"),
        ("https://m\u00fcller.example/\u4e2d", "https://m\u00fcller.example/\u4e2d"),
        ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
    ],
)
def test_an_address_is_kept_as_it_was_sent(text: str | None, kept: str | None) -> None:
    assert url_of(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "a.example",
        "//a.example",
        "ftp://a.example",
        "https:///path",
        "data:text/html,x",
        "https://a.example/<script>",
        "https://a.example/\u00a0x",
        "https://a.example/\\x",
        'https://a.example/"',
        "https://a.example/\x85x",
        "https://a.example/\ud800",
    ],
)
def test_what_a_browser_could_take_for_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        url_of(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\nb\tc", "a b c"),
        ("e\u0301", "\u00e9"),
        ("a\x00b", "ab"),
        ("\u200b", None),
        (None, None),
    ],
)
def test_a_label_is_one_line_or_nothing(text: str | None, kept: str | None) -> None:
    assert label_of(text) == kept


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_a_title_and_a_body_that_are_kept_stay_as_they_are(text: str) -> None:
    body = body_of(text)
    assert body_of(body) == body
    try:
        title = title_of(text)
    except ValueError:
        return

    assert title_of(title) == title
    assert "\n" not in title


@pytest.mark.parametrize("tag", ["en", "EN", "pt-BR", "zh_Hant_TW", "sr-Latn-RS", " de "])
def test_language_tags_of_many_forms_are_taken(tag: str) -> None:
    assert language_of(tag) == tag.strip().replace("_", "-")
