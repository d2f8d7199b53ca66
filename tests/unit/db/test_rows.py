"""Records that several rooms share say what they promise."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import (
    BackpressureError,
    ForumNotFoundError,
    NotInstalledError,
    ServiceError,
    TransientError,
)
from db.groups.canonical import CanonicalBy, key_of
from db.outbox.webhooks import storable
from db.questions.rows import NO_FACTS, Facts
from db.rows import WHOLE_FORUM, SearchScope, Within
from db.tenants.rows import CalibrationRow
from db.vectors.rows import ModelKind, ModelRow
from tests.rows.records import NOON, key_row

COUNTS = st.none() | st.integers(0, 10**6)
KNOWN = st.builds(
    Facts,
    answers=COUNTS,
    accepted=st.none() | st.booleans(),
    accepted_answer=st.none() | st.text(min_size=1, max_size=5),
    views=COUNTS,
    votes=st.none() | st.integers(-100, 100),
    tags=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    closed=st.none() | st.booleans(),
    language=st.none() | st.sampled_from(["en", "de"]),
)


@given(KNOWN)
def test_facts_come_back_as_they_were_stored(facts: Facts) -> None:
    stored = facts.stored()

    assert Facts.of(stored) == facts
    assert (stored is None) == (facts == NO_FACTS)
    assert None not in (stored or {}).values()


@given(KNOWN, st.dictionaries(st.text("xyz", min_size=1, max_size=3), st.integers()))
def test_facts_of_a_later_version_are_passed_over(facts: Facts, newer: dict[str, int]) -> None:
    assert Facts.of({**(facts.stored() or {}), **newer}) == facts


def test_no_is_a_fact_and_nought_too() -> None:
    assert Facts(accepted=False, answers=0).stored() == {"accepted": False, "answers": 0}


@given(KNOWN, KNOWN, st.sampled_from(list(CanonicalBy)))
def test_among_equals_the_older_question_is_proposed(
    one: Facts, other: Facts, rule: CanonicalBy
) -> None:
    first = key_of(one.stored(), NOON, rule=rule)
    later = key_of(one.stored(), NOON.replace(hour=13), rule=rule)

    assert first < later < key_of(one.stored(), None, rule=rule)
    if rule is CanonicalBy.OLDEST:
        assert key_of(other.stored(), NOON, rule=rule) == first
    if rule is CanonicalBy.VOTES and (one.votes or 0) > (other.votes or 0):
        assert later < key_of(other.stored(), NOON, rule=rule)
    if rule is CanonicalBy.ANSWERS and one.accepted and not other.accepted:
        assert later < key_of(other.stored(), NOON, rule=rule)


def model(**calibration: object) -> ModelRow:
    return ModelRow(
        id=1,
        kind=ModelKind.RERANKER,
        name="m",
        digest="d",
        dimension=None,
        calibration=calibration or None,
        active=True,
        created_at=NOON,
    )


@pytest.mark.parametrize(
    ("calibration", "bi_encoder", "number"),
    [
        ({}, "b", None),
        ({"threshold": 0.5}, None, 0.5),
        ({"threshold": 1}, "b", 1.0),
        ({"threshold": "0.5"}, "b", None),
        ({"threshold": 0.5, "rules": {"b": {"threshold": 0.7}}}, "b", 0.7),
        ({"threshold": 0.5, "rules": {"b": {"threshold": 0.7}}}, "other", 0.5),
        ({"threshold": 0.5, "rules": {"b": {"shift": 0.7}}}, "b", None),
        ({"threshold": 0.5, "rules": {"b": 7}}, "b", 0.5),
        ({"threshold": 0.5, "rules": []}, "b", 0.5),
    ],
)
def test_a_number_that_was_fitted_with_the_bi_encoder_comes_first(
    calibration: dict[str, object], bi_encoder: str | None, number: float | None
) -> None:
    assert model(**calibration).number("threshold", bi_encoder=bi_encoder) == number


def test_a_calibration_is_for_its_two_models_alone() -> None:
    numbers = dict.fromkeys(
        ("slope", "shift", "lowest", "error_before", "error_after", "brier_before", "brier_after"),
        0.1,
    )
    row = CalibrationRow(
        id=1,
        reranker_id=1,
        bi_encoder_id=2,
        duplicates=3,
        others=4,
        actor="ana",
        created_at=NOON,
        ended_at=None,
        ended_by=None,
        **numbers,
    )

    assert row.is_for(reranker_id=1, bi_encoder_id=2)
    for reranker, bi_encoder in ((2, 1), (1, None), (None, None), (1, 3)):
        assert not row.is_for(reranker_id=reranker, bi_encoder_id=bi_encoder)
    assert asdict(row)["slope"] == 0.1


@pytest.mark.parametrize(
    ("scope", "is_whole"),
    [
        (WHOLE_FORUM, True),
        (SearchScope(days=30), False),
        (SearchScope(within=Within.AUTHOR), False),
    ],
)
def test_only_without_limits_is_the_whole_forum_searched(
    scope: SearchScope, is_whole: bool
) -> None:
    assert scope.is_whole == is_whole


def test_a_key_of_a_page_is_public_and_no_other() -> None:
    assert key_row("ask").is_public
    assert not key_row("submit", "review", "admin").is_public


@given(st.text(max_size=400))
def test_what_a_receiver_says_can_be_stored_whatever_is_in_it(told: str) -> None:
    found = storable(told)

    assert "\0" not in found
    assert len(found) <= 300
    found.encode()


def kinds(root: type[ServiceError] = ServiceError) -> list[type[ServiceError]]:
    return [root, *(found for below in root.__subclasses__() for found in kinds(below))]


def test_an_error_without_a_message_says_what_its_docstring_says() -> None:
    told = {kind: str(kind()) for kind in kinds() if kind.__init__ is ServiceError.__init__}

    assert len(told) > 20
    for kind, message in told.items():
        assert message.strip(), kind
        assert "  " not in message, kind


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (ForumNotFoundError("cooks"), ["'cooks'"]),
        (BackpressureError(forum="cooks", pending=9, retry_after_s=7), ["9", "'cooks'", "7 s"]),
        (NotInstalledError("reading", needs="x", extra="mysql"), ["askedbefore[mysql]", "reading"]),
        (TransientError(), ["may work in a moment"]),
    ],
)
def test_an_error_names_what_it_is_about(error: ServiceError, parts: list[str]) -> None:
    for part in parts:
        assert part in str(error)
