"""Batches of an import: what is new, what differs, and what stays away."""

from dataclasses import replace
from typing import Any, ClassVar

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from db.archives import archives
from db.imports import loading
from db.imports.incoming import Incoming
from db.imports.loading import Loaded
from db.questions import questions, saving
from db.questions.rows import Facts, NewQuestion
from db.tables.questions import Job, Question
from db.tenants.rows import AuthorNames, ForumRow
from db.work.rows import Lane
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum, new_question


class TestTwoForums(TwoForums):
    module = loading
    calls: ClassVar[Calls] = {
        "load": lambda session, own: loading.load(
            session,
            own.forum,
            own.archive,
            [new_question("What is new?", external_id=name) for name in ("q1", "new")],
            hidden=["q2"],
        ),
        "is_empty": lambda session, own: loading.is_empty(session, own.forum.id),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"ready"})


@pytest.fixture
def forum(session: Session) -> ForumRow:
    return make_forum(session)


def load(
    session: Session, forum: ForumRow, *items: NewQuestion, hidden: tuple[str, ...] = ()
) -> Loaded:
    archive = archives.create(session, forum.id, name="old", form="csv", top_k=5)
    return loading.load(session, forum, archive.id, items, hidden=hidden)


def load_ready(session: Session, forum: ForumRow, *items: NewQuestion) -> Loaded:
    """Load *items* as the first questions of a forum, for which nothing is looked up."""
    archive = archives.create(session, forum.id, name="old", form="csv", top_k=5)
    made = loading.ready(forum, archive.id, Incoming.of(items))
    return loading.load(session, forum, archive.id, made)


def titles(session: Session) -> dict[str, str]:
    rows = session.execute(select(Question.external_id, Question.title)).all()
    return {row.external_id: row.title for row in rows}


def owed(session: Session) -> set[str]:
    found = session.execute(select(Question.external_id).join(Job, Job.question_id == Question.id))
    return set(found.scalars())


def test_questions_that_are_ready_are_stored_and_those_that_came_meanwhile_compared(
    session: Session, forum: ForumRow
) -> None:
    assert loading.is_empty(session, forum.id)
    same, tabbed = new_question("Why?"), new_question("How?\tSo \\", external_id="2")

    first = load_ready(session, forum, same, tabbed)
    again = load_ready(
        session,
        forum,
        same,
        new_question("How?", external_id="2"),
        new_question("Who?", external_id="3"),
    )

    assert first == Loaded(created=2)
    assert again == Loaded(created=1, changed=1, unchanged=1)
    assert titles(session) == {"1": "Why?", "2": "How?", "3": "Who?"}
    assert not loading.is_empty(session, forum.id)


def test_questions_that_are_ready_keep_their_authors_as_the_forum_wants_it(
    session: Session, forum: ForumRow
) -> None:
    named = new_question("Why?", author="ann")
    hashing = replace(forum, author_names=AuthorNames.HASHED)

    load_ready(session, hashing, named)

    stored = questions.get(session, forum.id, "1").author
    assert stored not in {None, "ann"}


def test_what_the_models_read_is_checked_again_and_the_rest_is_only_stored(
    session: Session, forum: ForumRow
) -> None:
    one, two, three = (new_question(f"Why {n}?", external_id=n) for n in ("1", "2", "3"))
    load(session, forum, one, two, three)
    renamed = new_question("Why not?", external_id="1")
    voted = replace(two, facts=Facts(votes=3), content_digest=b"voted")

    loaded = load(session, forum, renamed, voted, three, new_question("New?", external_id="4"))

    assert loaded == Loaded(created=1, changed=2, unchanged=1)
    assert titles(session) == {"1": "Why not?", "2": "Why 2?", "3": "Why 3?", "4": "New?"}
    assert owed(session) == {"1"}
    edited = session.execute(select(Question).where(Question.external_id == "1")).scalar_one()
    assert edited.text_version == 2
    voted_on = questions.get(session, forum.id, "2")
    assert (voted_on.facts, voted_on.text_version) == ({"votes": 3}, 1)


def test_an_older_version_in_the_file_changes_nothing(session: Session, forum: ForumRow) -> None:
    new = replace(new_question("Why now?"), revision=5, content_digest=b"5")
    saving.save(session, forum, [new], lane=Lane.LIVE)

    loaded = load(
        session, forum, replace(new_question("Why then?"), revision=4, content_digest=b"4")
    )

    assert loaded == Loaded(counts={"older": 1})
    assert titles(session) == {"1": "Why now?"}


def test_what_was_erased_stays_away_until_its_forum_sends_it_itself(
    session: Session, forum: ForumRow
) -> None:
    items = [new_question("Why?"), new_question("How?", external_id="2")]
    load(session, forum, *items)
    questions.erase(session, forum.id, "1", actor="forum")

    again = load(session, forum, *items)

    assert again == Loaded(unchanged=1, counts={"erased": 1})
    assert set(titles(session)) == {"2"}
    saving.save(session, forum, items[:1], lane=Lane.LIVE)
    assert load(session, forum, *items) == Loaded(unchanged=2)


def test_erased_questions_come_back_when_that_is_asked_for(
    session: Session, forum: ForumRow
) -> None:
    saving.save(session, forum, [new_question("Why?")], lane=Lane.LIVE)
    questions.erase(session, forum.id, "1", actor="forum")
    archive = archives.create(session, forum.id, name="old", form="csv", top_k=5)

    loaded = loading.load(session, forum, archive.id, [new_question("Why?")], with_erased=True)

    assert loaded == Loaded(created=1)


def test_what_the_forum_hides_is_hidden_at_once_and_shown_when_it_comes_again(
    session: Session, forum: ForumRow
) -> None:
    question = new_question("Why?")
    load(session, forum, question)

    hidden = load(session, forum, hidden=("1", "unknown"))

    assert hidden == Loaded(counts={"hidden_now": 1})
    assert not questions.get(session, forum.id, "1").visible
    assert load(session, forum, hidden=("1",)) == Loaded()
    assert load(session, forum, question) == Loaded(changed=1)
    assert questions.get(session, forum.id, "1").visible
    assert owed(session) == {"1"}


def test_an_unfinished_transaction_leaves_no_row_behind(session: Session, forum: ForumRow) -> None:
    load(session, forum, new_question("Why?"))

    load(session, forum, new_question("Why not?"))

    assert session.execute(text("SELECT count(*) FROM incoming")).scalar_one() == 0


@pytest.mark.parametrize(
    "text_", ["\\N", "a\\b", "tab\there", "two\r\nlines", '"', "\\.", "{x,y}", "é\u2028"]
)
def test_whatever_stands_in_a_text_is_stored_and_found_again(
    session: Session, forum: ForumRow, text_: str
) -> None:
    item = new_question(text_, external_id=f"id {text_}", body=text_, author=text_)
    load(session, forum, item, new_question("Beside it", external_id="2"))

    again = load(session, forum, item)

    assert again.unchanged == 1
    stored = session.execute(
        select(Question.title, Question.body, Question.author).where(
            Question.external_id == item.external_id
        )
    ).one()
    assert tuple(stored) == (text_, text_, text_)


def test_a_batch_reads_its_own_questions_alone_while_nothing_is_known_of_the_forum(
    session: Session, forum: ForumRow
) -> None:
    names = [str(number) for number in range(600)]
    load(session, forum, *(new_question(f"Why {name}?", external_id=name) for name in names))
    plans: list[str] = []

    def explain(_connection: object, cursor: Any, statement: str, given: Any, *_: object) -> None:
        if "FROM incoming i" in statement or "AS i(name" in statement:
            cursor.execute(f"EXPLAIN {statement}", given)
            plans.append("\n".join(line for (line,) in cursor.fetchall()))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", explain)
    load(session, forum, *(new_question(f"How {name}?", external_id=name) for name in names[:50]))
    event.remove(connection, "before_cursor_execute", explain)

    by_key = (f"(forum_id = {forum.id}) AND ((external_id", "Index Cond: (id = ANY")
    assert len(plans) == 4
    assert not [plan for plan in plans if not any(key in plan for key in by_key)]
