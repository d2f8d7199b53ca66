"""What a forum does not want to keep any longer is taken away, and nothing else."""

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, sessionmaker

from db.keeping import retention
from db.tables.pairs import Event
from db.tables.questions import Question
from db.tables.review import Decision
from db.tenants import forums
from tests.factories import make_forum, save_questions
from tests.review import flag, say, seed_questions

Factory = sessionmaker[Session]


def count(session: Session, table: type) -> int:
    return session.execute(select(func.count()).select_from(table)).scalar_one()


def test_only_what_is_older_goes_and_only_where_the_forum_says_so(committed: Factory) -> None:
    with committed.begin() as session:
        seeded = seed_questions(session, "Boil an egg", "Boil eggs", "Bake bread", forum="short")
        say(session, seeded, flag(session, seeded, 0, 1))
        save_questions(session, make_forum(session, "long"), "Kept for ever")
        session.execute(
            text(
                "UPDATE questions SET author = 'bob', updated_at = now() - '9 days'"
                "::interval WHERE external_id <> 'q-2'"
            )
        )
        session.execute(text("UPDATE questions SET author = 'bob' WHERE external_id = 'q-2'"))
        for table in ("events", "decisions"):
            session.execute(text(f"UPDATE {table} SET created_at = now() - '9 days'::interval"))  # noqa: S608
        forums.update_forum(
            session, "short", keep_authors_days=7, keep_events_days=7, keep_decisions_days=7
        )

    first = retention.prune(committed)

    with committed.begin() as session:
        named = select(Question.external_id).where(Question.author.is_not(None))
        assert count(session, Question) == 4
        assert set(session.execute(named).scalars()) == {"q-2", "1"}
        assert (count(session, Decision), first["decisions"]) == (0, 1)
        assert first["events"] > 0
        forums.update_forum(session, "short", keep_questions_days=7)

    again = retention.prune(committed)

    assert (first["questions"], again["questions"]) == (0, 2)
    with committed.begin() as session:
        assert set(session.execute(select(Question.external_id)).scalars()) == {"q-2", "1"}
        assert count(session, Event) > 0
