"""Data older than a forum wants to keep are deleted, and nothing else."""

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, sessionmaker

from db.keeping import retention
from db.rows import PairStatus
from db.tables.pairs import Event, Pair
from db.tables.questions import Question
from db.tables.review import Decision
from db.tenants import forums
from tests.rows.factories import make_forum, save_questions
from tests.rows.review import flag, say, seed_questions

Factory = sessionmaker[Session]


def count(session: Session, table: type) -> int:
    return session.execute(select(func.count()).select_from(table)).scalar_one()


def decided(session: Session) -> list[tuple[str, str | None, str | None]]:
    rows = session.execute(select(Pair.status, Pair.decided_by, Pair.note)).all()
    return [(row.status, row.decided_by, row.note) for row in rows]


def test_what_no_person_decided_keeps_who_did(committed: Factory) -> None:
    with committed.begin() as session:
        seeded = seed_questions(session, "Boil an egg", "Boil eggs", "Bake bread", forum="short")
        flag(session, seeded, 0, 1, status=PairStatus.DUPLICATE)
        flag(session, seeded, 1, 2, status=PairStatus.DUPLICATE)
        session.execute(
            text("UPDATE pairs SET decided_at = now() - '9 days'::interval, decided_by = 'archive'")
        )
        session.execute(
            text("UPDATE pairs SET decided_by = 'service' WHERE id = (SELECT min(id) FROM pairs)")
        )
        forums.update_forum(session, "short", keep_decisions_days=7)

    retention.prune(committed)

    with committed.begin() as session:
        assert {who for _, who, _ in decided(session)} == {"archive", "service"}


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
        session.execute(
            text("UPDATE pairs SET note = 'bob again', decided_at = now() - '9 days'::interval")
        )
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
        assert decided(session) == [("duplicate", "moderator", None)]
        assert first["events"] > 0
        forums.update_forum(session, "short", keep_questions_days=7)

    again = retention.prune(committed)

    assert (first["deciders"], again["deciders"]) == (1, 0)
    assert (first["questions"], again["questions"]) == (0, 2)
    with committed.begin() as session:
        assert set(session.execute(select(Question.external_id)).scalars()) == {"q-2", "1"}
        assert count(session, Event) > 0
