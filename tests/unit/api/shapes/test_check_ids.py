"""The id of a check gives back its scores, to its own forum, for a week, and holds no text."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner

from api.shapes.check_ids import CHECK_ID_LENGTH, CheckIdError, Suggested, seal, unseal
from db.errors import InvalidInputError
from tests.servers.api_service import make_settings
from worker.queue import CheckAnswer, CheckedDuplicate

SETTINGS = make_settings()
WEEK_S = 7 * 24 * 3_600
IDS = st.text(string.printable, min_size=1, max_size=30)


def check(forum_id: int = 1, **scores: float) -> Suggested:
    return checked(forum_id, scores)


def checked(forum_id: int, scores: dict[str, float]) -> Suggested:
    found = [
        CheckedDuplicate(id=one, title="Egg?", url=None, score=score, cosine=None, kind="model")
        for one, score in scores.items()
    ]
    answer = CheckAnswer(duplicates=found, threshold=0.5, bi_encoder="b", reranker="r")
    return Suggested.of(forum_id, answer)


@given(st.integers(1, 2**62), st.dictionaries(IDS, st.floats(0, 1), max_size=10))
def test_a_check_comes_back_with_its_scores_in_steps(
    forum_id: int, scores: dict[str, float]
) -> None:
    made = checked(forum_id, scores)

    found = unseal(SETTINGS, forum_id, seal(SETTINGS, made))

    assert (found.key, found.forum_id) == (made.key, forum_id)
    for one, score in scores.items():
        assert found.score_of(one) == pytest.approx(score, abs=0.0025 + 1e-9)


def test_the_ids_of_the_most_suggestions_that_workers_give_by_default_fit() -> None:
    made = checked(1, {f"question-{number}" * 10: 0.9 for number in range(10)})

    assert len(seal(SETTINGS, made)) <= CHECK_ID_LENGTH


def test_two_checks_of_the_same_text_are_two() -> None:
    assert seal(SETTINGS, check(a=0.9)) != seal(SETTINGS, check(a=0.9))


def test_another_forum_cannot_use_it() -> None:
    with pytest.raises(CheckIdError):
        unseal(SETTINGS, 2, seal(SETTINGS, check(1, a=0.9)))


@given(st.integers(min_value=0), st.sampled_from(string.ascii_letters + string.digits + "-_."))
def test_no_letter_of_it_can_be_changed(place: int, letter: str) -> None:
    sealed = seal(SETTINGS, check(a=0.9))
    place %= len(sealed)
    changed = sealed[:place] + letter + sealed[place + 1 :]

    if changed[:-1] == sealed[:-1]:  # the last letter has bits that mean nothing
        return
    with pytest.raises(CheckIdError):
        unseal(SETTINGS, 1, changed)


@given(st.text(max_size=60))
def test_what_was_never_sealed_is_refused_with_one_error(text: str) -> None:
    with pytest.raises(CheckIdError):
        unseal(SETTINGS, 1, text)


@pytest.mark.parametrize(("age_s", "is_valid"), [(0, True), (WEEK_S, True), (WEEK_S + 1, False)])
def test_it_lasts_for_a_week(age_s: int, is_valid: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal(SETTINGS, check(a=0.9))
    now = TimestampSigner("x").get_timestamp()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: now + age_s)

    if is_valid:
        assert unseal(SETTINGS, 1, sealed).scores
    else:
        with pytest.raises(CheckIdError):
            unseal(SETTINGS, 1, sealed)


def test_another_key_of_the_service_opens_nothing() -> None:
    other = make_settings(secret_key="another-secret-of-the-service-123456")  # noqa: S106

    with pytest.raises(CheckIdError):
        unseal(other, 1, seal(SETTINGS, check(a=0.9)))


def test_what_was_not_suggested_is_named() -> None:
    with pytest.raises(InvalidInputError, match="'b' was not suggested"):
        check(a=0.9).score_of("b")


def test_it_holds_no_id_of_a_question() -> None:
    sealed = seal(SETTINGS, check(secretname=0.9)).split(".")[0]

    content = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    assert b"secretname" not in content
    assert b"Egg" not in content
