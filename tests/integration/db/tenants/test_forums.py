"""Forums."""

from typing import ClassVar

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from db.tenants import forums
from db.vectors import models
from db.vectors.rows import ModelKind
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum


class TestTwoForums(TwoForums):
    module = forums
    calls: ClassVar[Calls] = {
        "get_forum": lambda session, own: forums.get_forum(session, own.forum.name),
        "find_forums": lambda session, own: forums.find_forums(session, {own.id}),
        "ensure_forum": lambda session, own: forums.ensure_forum(session, own.forum.name),
        "ensure_forum: a new one": lambda session, _own: forums.ensure_forum(session, "third"),
        "update_forum": lambda session, own: forums.update_forum(
            session, own.forum.name, title="New"
        ),
        "create_forum": lambda session, _own: forums.create_forum(session, "fourth"),
        "delete_forum": lambda session, own: forums.delete_forum(session, own.forum.name),
        "lock": lambda session, own: forums.lock(session, own.forum.name),
        "hold": lambda session, own: forums.hold(session, own.id),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"calibration_row", "list_forums"})


_STORE = text("""
    INSERT INTO questions (forum_id, external_id, title, text_fields, text_digest, content_digest)
    SELECT forum, 'q' || forum, 'Why?', 'title', '', '' FROM unnest(CAST(:forums AS bigint[])) forum
""")


def test_a_question_of_no_forum_is_refused(session: Session) -> None:
    forum = make_forum(session)

    with (
        pytest.raises(IntegrityError, match="there is no such forum"),
        session.begin_nested(),
    ):
        session.execute(_STORE, {"forums": [forum.id, forum.id + 1_000]})


def test_a_forum_goes_with_its_questions_alone(session: Session) -> None:
    forum, other = make_forum(session), make_forum(session, "other")
    session.execute(_STORE, {"forums": [forum.id, other.id]})

    forums.delete_forum(session, forum.name)

    left = session.execute(text("SELECT forum_id FROM questions")).scalars().all()
    assert left == [other.id]


def test_a_forum_is_not_deleted_while_questions_are_being_stored_in_it(engine: Engine) -> None:
    with engine.begin() as connection:
        made = text("INSERT INTO forums (name, title) VALUES ('held', 'Held') RETURNING id")
        forum_id = connection.execute(made).scalar_one()
    deletion = text("DELETE FROM forums WHERE id = :id")
    try:
        with engine.connect() as storing, engine.connect() as deleting:
            storing.execute(_STORE, {"forums": [forum_id]})
            deleting.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")

            with pytest.raises(OperationalError, match="lock timeout"):
                deleting.execute(deletion, {"id": forum_id})
    finally:
        with engine.begin() as connection:
            connection.execute(deletion, {"id": forum_id})


def test_a_model_that_questions_name_is_not_deleted(session: Session) -> None:
    forum = make_forum(session)
    session.execute(_STORE, {"forums": [forum.id]})
    model = models.ensure_model(session, kind=ModelKind.RERANKER, name="m", digest="of it")
    session.execute(text("UPDATE questions SET reranker_id = :id"), {"id": model.id})

    with pytest.raises(IntegrityError, match="is named by questions"), session.begin_nested():
        session.execute(text("DELETE FROM models WHERE id = :id"), {"id": model.id})
