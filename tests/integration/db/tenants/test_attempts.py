"""Attempts to sign in are counted before they are tried, also when many come at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from db.tables.review import SignInAttempt
from db.tenants import attempts
from db.tenants.attempts import TooManyAttemptsError

Factory = sessionmaker[Session]


def is_let_in(sessions: Factory, limits: dict[str, int]) -> bool:
    try:
        with sessions.begin() as session:
            attempts.count_attempt(session, limits)
    except TooManyAttemptsError:
        return False
    return True


def test_of_many_at_once_no_more_are_let_in_than_may_be(committed: Factory) -> None:
    limits = {"name:crowd": 10, "address:crowd": 25}
    with ThreadPoolExecutor(8) as pool:
        let_in = list(pool.map(lambda _: is_let_in(committed, limits), range(60)))
    with committed.begin() as session:
        counted = session.execute(select(func.count()).select_from(SignInAttempt)).scalar_one()
        session.execute(SignInAttempt.__table__.delete())  # type: ignore[attr-defined]

    assert sum(let_in) == 10
    assert counted == 20


def test_what_is_forgiven_or_old_does_not_count(session: Session) -> None:
    for _ in range(5):
        attempts.forgive(session, attempts.count_attempt(session, {"name:a": 1}))
    attempts.count_attempt(session, {"name:a": 1})
    with pytest.raises(TooManyAttemptsError):
        attempts.count_attempt(session, {"name:a": 1})
    session.execute(update(SignInAttempt).values(at=SignInAttempt.at - timedelta(minutes=11)))

    assert attempts.count_attempt(session, {"name:a": 1})
