"""Fixtures for tests of queries."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.integration.db.two_forums import Two, make_two


@pytest.fixture(scope="class")
def both(engine: Engine) -> Iterator[tuple[Session, Two]]:
    """Both forums, once for the class of a module: each call is undone."""
    with engine.connect() as connection, connection.begin() as transaction:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session, make_two(session)
        transaction.rollback()
