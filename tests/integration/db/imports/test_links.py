"""Labels that come with an archive are decisions of its forum."""

from typing import ClassVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.deciding import decisions
from db.deciding.decisions import Verdict
from db.groups import groups
from db.imports import links
from db.imports.links import Label
from db.rows import PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tenants.rows import ForumRow
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum, save_questions


class TestTwoForums(TwoForums):
    module = links
    calls: ClassVar[Calls] = {
        "save": lambda session, own: links.save(
            session,
            own.id,
            [
                Label(first_id="q4", second_id="q5", canonical_id="q5"),
                Label(first_id="q1", second_id="q6", is_duplicate=False),
            ],
            actor="archive 1",
        ),
    }


@pytest.fixture
def forum(session: Session) -> ForumRow:
    made = make_forum(session)
    save_questions(session, made, *(f"Why {n}?" for n in range(1, 7)))
    return made


def save(session: Session, forum: ForumRow, *labels: Label) -> int:
    groups.lock(session, forum.id)
    return links.save(session, forum.id, labels, actor="archive 1")


def same(first: int, second: int, *, target: int | None = None) -> Label:
    canonical = None if target is None else str(target)
    return Label(first_id=str(first), second_id=str(second), canonical_id=canonical)


def different(first: int, second: int) -> Label:
    return Label(first_id=str(first), second_id=str(second), is_duplicate=False)


def statuses(session: Session) -> dict[tuple[str, str], tuple[str, str | None]]:
    found = session.execute(select(Question.id, Question.external_id))
    names = {row.id: row.external_id for row in found}
    return {
        (names[pair.low_id], names[pair.high_id]): (pair.status, pair.decided_by)
        for pair in session.execute(
            select(Pair).execution_options(populate_existing=True)
        ).scalars()
    }


def grouped(session: Session, forum: ForumRow) -> dict[str, set[str]]:
    found = {}
    for row in groups.list_groups(session, forum.id):
        members = groups.get_group(session, forum.id, row.id).members
        found[members[0].external_id] = {member.external_id for member in members}
    return found


def test_both_kinds_of_labels_are_decided_by_the_archive(session: Session, forum: ForumRow) -> None:
    decided = save(session, forum, same(1, 2), different(3, 4), same(5, 99))

    assert decided == 2
    assert statuses(session) == {
        ("1", "2"): ("duplicate", "archive"),
        ("3", "4"): ("not_duplicate", "archive"),
    }
    assert grouped(session, forum) == {"1": {"1", "2"}}
    assert save(session, forum, same(1, 2), different(3, 4)) == 0


def test_the_group_gets_the_target_of_the_forums_own_links(
    session: Session, forum: ForumRow
) -> None:
    save(session, forum, same(1, 3, target=3), same(3, 5, target=5), same(2, 3, target=3))

    assert grouped(session, forum) == {"5": {"1", "2", "3", "5"}}


def test_what_a_person_decided_or_chose_stays(session: Session, forum: ForumRow) -> None:
    save(session, forum, same(1, 2, target=2), different(3, 4))
    (group,) = groups.list_groups(session, forum.id)
    first = session.execute(select(Question.id).where(Question.external_id == "1")).scalar_one()
    groups.choose_canonical(session, forum.id, group.id, first, actor="ana")
    pair = session.execute(select(Pair).where(Pair.status == "not_duplicate")).scalar_one()
    verdict = Verdict(status=PairStatus.DUPLICATE, version=pair.version)
    decisions.decide(session, forum.id, pair.id, verdict, actor="ana")

    save(session, forum, same(1, 2, target=2), different(3, 4))

    assert statuses(session)["3", "4"] == ("duplicate", "ana")
    assert grouped(session, forum) == {"1": {"1", "2"}, "3": {"3", "4"}}


def test_a_label_that_the_forum_took_back_splits_the_group(
    session: Session, forum: ForumRow
) -> None:
    save(session, forum, same(1, 2), same(2, 3))

    save(session, forum, different(2, 3))

    assert grouped(session, forum) == {"1": {"1", "2"}}
