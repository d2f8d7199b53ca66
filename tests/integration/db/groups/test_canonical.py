"""Which question of a group is proposed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.groups import canonical
from db.groups.canonical import CanonicalBy
from db.questions import saving
from db.questions.rows import Facts
from db.tables.questions import Question
from db.tenants import forums
from db.work.rows import Lane
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum, new_question


class TestTwoForums(TwoForums):
    module = canonical
    calls: ClassVar[Calls] = {
        "ranked": lambda session, own: canonical.ranked(session, own.questions),
        "proposed": lambda session, own: canonical.proposed(session, own.questions),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"order_of", "key_of"})


KNOWN = {
    "oldest": Facts(views=1_000_000),
    "liked": Facts(votes=90, answers=0),
    "answered": Facts(answers=2, votes=1),
    "better": Facts(answers=2, votes=5),
    "accepted": Facts(answers=1, accepted=True, votes=-3),
}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (CanonicalBy.ANSWERS, ["accepted", "better", "answered", "liked", "oldest"]),
        (CanonicalBy.VOTES, ["liked", "better", "answered", "oldest", "accepted"]),
        (CanonicalBy.OLDEST, ["oldest", "liked", "answered", "better", "accepted"]),
    ],
)
def test_the_setting_says_what_counts_first(
    session: Session, rule: CanonicalBy, expected: list[str]
) -> None:
    forum = make_forum(session)
    forums.update_forum(session, forum.name, canonical_by=rule)
    items = [
        replace(
            new_question(f"Why {name}?", external_id=name),
            facts=facts,
            asked_at=datetime(2020, 1, place, tzinfo=UTC),
        )
        for place, (name, facts) in enumerate(KNOWN.items(), start=1)
    ]
    ids = [one.id for one in saving.save(session, forum, items, lane=Lane.LIVE)]

    ranked = canonical.ranked(session, ids)

    items.sort(key=lambda item: canonical.key_of(item.facts.stored(), item.asked_at, rule=rule))
    assert [item.external_id for item in items] == expected
    names = session.execute(select(Question.id, Question.external_id)).all()
    by_id = {row.id: row.external_id for row in names}
    assert [by_id[one] for one in ranked] == expected
