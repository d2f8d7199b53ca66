"""Creates forums with flagged pairs, people and decisions for tests of reviewing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from db.deciding import decisions, opinions
from db.deciding.decisions import Decided, Verdict
from db.rows import PairKind, PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tenants import people
from db.tenants.people import PersonRow, Role
from db.tenants.rows import ForumRow
from tests.rows.factories import make_forum

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Seeded:
    forum: ForumRow
    questions: list[int]


def seed_questions(session: Session, *titles: str, forum: str = "cooks", body: str = "") -> Seeded:
    """Store questions a day apart, so that the first is the oldest.

    No second opinions are asked for: the ids of the pairs decide which pairs get one.
    """
    row = make_forum(session, forum)
    opinions.set_share(session, row.id, 0)
    ids = session.execute(
        insert(Question).returning(Question.id, sort_by_parameter_order=True),
        [
            {
                "forum_id": row.id,
                "external_id": f"q-{number}",
                "title": title,
                "body": body,
                "url": f"https://forum.example/q/{number}",
                "category": "eggs" if number % 2 else "bread",
                "author": "rosa",
                "asked_at": START + timedelta(days=number),
                "text_fields": "title",
                "text_digest": title.encode(),
                "content_digest": title.encode(),
            }
            for number, title in enumerate(titles, start=1)
        ],
    ).scalars()
    return Seeded(row, list(ids))


def flag(
    session: Session,
    seeded: Seeded,
    one: int,
    other: int,
    *,
    score: float = 0.9,
    status: PairStatus = PairStatus.FLAGGED,
) -> int:
    """Flag the pair of the questions with these indexes, and return its id."""
    low, high = sorted((seeded.questions[one], seeded.questions[other]))
    return session.execute(
        insert(Pair)
        .values(
            forum_id=seeded.forum.id,
            low_id=low,
            high_id=high,
            kind=PairKind.MODEL,
            cosine=0.8,
            logit_low_high=2.0,
            logit_high_low=1.5,
            score=score,
            threshold=0.5,
            low_text_version=1,
            high_text_version=1,
            status=status,
        )
        .returning(Pair.id)
    ).scalar_one()


def version_of(session: Session, pair_id: int) -> int:
    return session.execute(select(Pair.version).where(Pair.id == pair_id)).scalar_one()


def say(
    session: Session,
    seeded: Seeded,
    pair_id: int,
    status: PairStatus = PairStatus.DUPLICATE,
    *,
    actor: str = "ana",
    canonical: int | None = None,
    merge: bool = False,
) -> Decided:
    """Decide on the present version of a pair."""
    verdict = Verdict(
        status=status,
        version=version_of(session, pair_id),
        canonical_id=canonical,
        merge=merge,
    )
    return decisions.decide(session, seeded.forum.id, pair_id, verdict, actor=actor)


def make_person(
    session: Session, forum: ForumRow, name: str = "ana", role: Role = Role.MODERATOR
) -> PersonRow:
    person = people.ensure_person(session, name)
    people.set_password(session, person.id, PASSWORD)
    people.set_role(session, person.id, forum.id, role)
    return people.get_person(session, name)
