from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.text.intake import FieldError, Submission, question_of
from worker.text.normal import normalise

NOW = datetime(2026, 1, 1, tzinfo=UTC)
anything = st.text(st.characters())  # surrogates and control characters with it


def question(**changes: object) -> Submission:
    fields = {"external_id": "q1", "title": "How do I boil an egg?", **changes}
    return Submission(**fields)  # type: ignore[arg-type]


def reason(**changes: object) -> str:
    with pytest.raises(FieldError) as caught:
        question_of(question(**changes), text_fields="title", now=NOW)
    return str(caught.value)


@given(title=anything, body=anything, external_id=anything, label=anything, url=anything)
def test_whatever_is_sent_is_refused_by_name_or_stored_within_limits(
    title: str, body: str, external_id: str, label: str, url: str
) -> None:
    sent = question(title=title, body=body, external_id=external_id, category=label, url=url)
    try:
        made = question_of(sent, text_fields="title_body", now=NOW)
    except FieldError:
        return

    stored = made.external_id + made.title + made.body + (made.category or "") + (made.url or "")
    assert "\0" not in stored
    stored.encode()
    assert 1 <= len(normalise(made.title)) <= 2_000
    assert made.external_id == external_id
    assert len(made.text_digest) == len(made.content_digest) == 32
    assert 0 <= made.foreign_share <= 1
    assert made.tokens > 0


@given(title=st.text(min_size=1, max_size=100), body=st.text(max_size=100))
def test_cleaning_what_is_clean_changes_nothing(title: str, body: str) -> None:
    try:
        once = question_of(question(title=title, body=body), text_fields="title")
    except FieldError:
        return

    again = question_of(question(title=once.title, body=once.body), text_fields="title")

    assert again == once


@given(st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-23)))))
def test_a_moment_is_kept_or_refused_never_changed(asked_at: datetime) -> None:
    try:
        made = question_of(question(asked_at=asked_at), text_fields="title", now=NOW)
    except FieldError:
        assert not 1990 <= asked_at.year <= 2025
        return

    assert made.asked_at == asked_at


def test_a_title_is_one_line_without_what_nobody_sees() -> None:
    made = question_of(question(title=" How\tdo I\n boil\x00 an\u200b egg? "), text_fields="title")

    assert made.title == "How do I boil an egg?"


def test_a_body_keeps_its_lines() -> None:
    made = question_of(question(body="\n1. salt\n2.\x07 egg\n"), text_fields="title")

    assert made.body == "1. salt\n2. egg"


def test_empty_labels_and_addresses_are_none() -> None:
    made = question_of(question(category=" ", author="", url=""), text_fields="title")

    assert (made.category, made.author, made.url) == (None, None, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": ""}, "title: must hold at least one visible character"),
        ({"title": "\u200b \x00\t"}, "title: must hold at least one visible character"),
        ({"title": "e" * 2_001}, "title: must have at most 2,000 characters"),
        ({"title": "\ufdfa" * 150}, "title: must have at most 2,000 characters"),
        ({"title": "egg \ud83d"}, "title: must be valid Unicode"),
        ({"body": "e" * 100_001}, "body: must have at most 100,000 characters"),
        ({"external_id": ""}, "id: must have 1 to 200 characters"),
        ({"external_id": "e" * 201}, "id: must have 1 to 200 characters"),
        ({"external_id": "a\nb"}, "id: must be made of printable characters"),
        ({"external_id": "a\ud83d"}, "id: must be made of printable characters"),
        ({"external_id": ".."}, "id: must not begin or end with a space, nor be"),
        ({"author": "a" * 201}, "author: must have at most 200 characters"),
        ({"url": "javascript:alert(1)"}, "url: must be an http or https address"),
        ({"url": "https://"}, "url: must be an http or https address"),
        ({"url": "http://[::1"}, "url: must be an http or https address"),
        ({"url": "https://a.example/a b"}, "url: must be percent-encoded"),
        ({"url": "https://a.example/" + "a" * 2_000}, "url: must have at most 2,000"),
        ({"asked_at": datetime(1989, 12, 31, tzinfo=UTC)}, "asked_at: must lie between"),
        ({"asked_at": NOW + timedelta(days=1, seconds=1)}, "asked_at: must lie between"),
        ({"asked_at": datetime(2024, 1, 1)}, "asked_at: must have a time zone"),  # noqa: DTZ001
    ],
)
def test_what_cannot_be_used_is_said_in_words(changes: dict[str, object], said: str) -> None:
    assert reason(**changes).startswith(said)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "e" * 2_000},
        {"title": "e" + " " * 5_000},
        {"body": "e" * 100_000},
        {"external_id": "e" * 200},
        {"asked_at": NOW + timedelta(days=1)},
        {"asked_at": datetime(1990, 1, 1, tzinfo=UTC)},
    ],
)
def test_the_limits_themselves_are_allowed(changes: dict[str, object]) -> None:
    made = question_of(question(**changes), text_fields="title", now=NOW)

    assert len(made.text_digest) == 32


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "How do I fry an egg?"),
        ("body", "Soft."),
        ("url", "https://a.example"),
        ("category", "eggs"),
        ("author", "ana"),
        ("asked_at", NOW),
        ("visible", False),
    ],
)
def test_every_field_counts_for_whether_a_question_changed(field: str, value: object) -> None:
    before = question_of(question(), text_fields="title", now=NOW)

    after = question_of(question(**{field: value}), text_fields="title", now=NOW)

    assert after.content_digest != before.content_digest
    assert (after.text_digest != before.text_digest) == (field == "title")


def test_one_moment_in_two_zones_is_one_content() -> None:
    zone = timezone(timedelta(hours=2))
    here = question_of(question(asked_at=NOW), text_fields="title", now=NOW)

    there = question_of(question(asked_at=NOW.astimezone(zone)), text_fields="title", now=NOW)

    assert there == here


def test_the_body_is_part_of_the_text_where_the_forum_says_so() -> None:
    plain = question_of(question(), text_fields="title_body")

    more = question_of(question(body="Soft."), text_fields="title_body")

    assert more.text_digest != plain.text_digest
    assert more.tokens > plain.tokens


WORDS = st.sampled_from(["", "egg", 'egg", "', "null", "egg\\", "[egg]"])


@given(st.tuples(WORDS, WORDS, WORDS), st.tuples(WORDS, WORDS, WORDS), st.booleans())
def test_questions_have_one_content_digest_exactly_when_they_are_one(
    one: tuple[str, str, str], other: tuple[str, str, str], visible: bool
) -> None:
    made = [
        question_of(
            question(title=f"Why? {title}", body=body, author=author, visible=visible),
            text_fields="title",
        )
        for title, body, author in (one, other)
    ]

    assert (made[0].content_digest == made[1].content_digest) is (made[0] == made[1])


def test_the_digests_are_those_that_are_stored_of_old_questions() -> None:
    made = question_of(question(body="Soft.", author="ana", asked_at=NOW), text_fields="title")

    assert made.content_digest.hex() == (
        "4badce8393c218b72a4087ecf8ba8f93cf573b8e7701fee3639c40bc613f1a91"
    )
    assert made.text_digest.hex() == (
        "9b14e40c9d75a8288d08b1f9bed91bb068d0b45fe98c9cbb7a8f1fedd5815e43"
    )
