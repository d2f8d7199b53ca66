"""Whether a batch failed because of a question or of the moment, and what is stored of it."""

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db.errors import TransientError
from worker.inference.runner import InferenceError
from worker.live.blame import BrokenModelError, is_moments_fault, reason


class PostgresError(Exception):
    def __init__(self, pgcode: str | None) -> None:
        self.pgcode = pgcode


def met(code: str | None, *, kind: type[DBAPIError] = OperationalError) -> DBAPIError:
    return kind("...", {}, PostgresError(code))


def cut() -> DBAPIError:
    error = met("22021")
    error.connection_invalidated = True
    return error


def behind(cause: BaseException) -> Exception:
    """Return an error that was raised while *cause* was handled."""
    error = ValueError("of the clean-up")
    error.__context__ = cause
    return error


MOMENTS = {
    "a stop that was asked for": SoftTimeLimitExceeded(),
    "the same, met in cleaning up": behind(SoftTimeLimitExceeded()),
    "a server that ends": met("57P01"),
    "a deadlock": met("40P01"),
    "a full disk": met("53100"),
    "a lock that others hold": met("55P03"),
    "a lost connection": met("08006"),
    "an error without a code": met(None),
    "a driver's own error": met("22021", kind=InterfaceError),
    "a connection that was cut": cut(),
    "a pool without a place": PoolTimeoutError(),
    "something away": TransientError("the broker"),
    "models that broke": BrokenModelError(),
    "an interpreter that ends": KeyboardInterrupt(),
}
QUESTIONS = {
    "a statement that takes too long": met("57014"),
    "a text that no column takes": met("22021"),
    "a row that is there already": met("23505"),
    "a text that a model cannot read": InferenceError("too long"),
    "no memory": MemoryError(),
    "a bug": KeyError("title"),
}


@pytest.mark.parametrize("error", MOMENTS.values(), ids=MOMENTS)
def test_some_errors_say_nothing_of_the_questions(error: BaseException) -> None:
    assert is_moments_fault(error)


@pytest.mark.parametrize("error", QUESTIONS.values(), ids=QUESTIONS)
def test_any_other_may_come_from_one_of_them(error: BaseException) -> None:
    assert not is_moments_fault(error)


@given(st.text(st.characters(), max_size=3_000))
def test_a_reason_is_text_that_postgres_takes_and_names_the_error(words: str) -> None:
    said = reason(ValueError(words))

    assert said.startswith("ValueError: ")
    assert "\0" not in said
    assert len(said) <= 2_000
    assert said.encode().decode() == said
