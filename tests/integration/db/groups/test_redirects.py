"""Where duplicates point to."""

from typing import ClassVar

from sqlalchemy.orm import Session

from db.groups import groups, redirects
from db.imports import links
from db.imports.links import Label
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum, save_questions


class TestTwoForums(TwoForums):
    module = redirects
    calls: ClassVar[Calls] = {
        "redirects": lambda session, own: redirects.redirects(session, own.id, limit=50),
        "members": lambda session, own: redirects.members(session, own.id, limit=50),
    }


def test_each_duplicate_points_to_its_canonical_question_page_by_page(session: Session) -> None:
    forum = make_forum(session)
    save_questions(session, forum, *(f"Why {n}?" for n in range(1, 7)))
    labels = [
        Label(first_id=first, second_id=second, canonical_id=second)
        for first, second in (("1", "3"), ("2", "3"), ("4", "5"))
    ]
    groups.lock(session, forum.id)
    links.save(session, forum.id, labels, actor="archive 1")

    first = redirects.redirects(session, forum.id, limit=2)
    rest = redirects.redirects(session, forum.id, after=first[-1].question_id, limit=2)

    told = [(row.id, row.canonical_id, row.score, row.decided_by) for row in [*first, *rest]]
    assert told == [(old, new, 1.0, "archive") for old, new in (("1", "3"), ("2", "3"), ("4", "5"))]
    found = redirects.members(session, forum.id, limit=3)
    last = (found[-1].group_id, found[-1].question_id)
    found += redirects.members(session, forum.id, after=last, limit=50)
    assert [(row.id, row.is_canonical, row.size) for row in found] == [
        ("1", False, 3),
        ("2", False, 3),
        ("3", True, 3),
        ("4", False, 2),
        ("5", True, 2),
    ]
