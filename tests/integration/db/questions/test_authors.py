"""Authors' names as a forum keeps them, and all about one author."""

from typing import ClassVar

from sqlalchemy.orm import Session, sessionmaker

from db.questions import authors, questions, saving
from db.tenants import forums
from db.tenants.rows import AuthorNames, ForumRow
from db.work.rows import Lane
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum, new_question

Factory = sessionmaker[Session]


class TestTwoForums(TwoForums):
    module = authors
    calls: ClassVar[Calls] = {
        "all_by": lambda session, own: list(authors.all_by(session, own.forum, "stranger")),
        "forget": lambda session, own: authors.forget(session, own.forum, "stranger"),
        "erase": lambda session, own: authors.erase(session, own.forum, "ann", actor="x"),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"kept_name", "kept_names", "as_kept"})


def forum_that(session: Session, names: AuthorNames) -> ForumRow:
    make_forum(session)
    return forums.update_forum(session, "cooks", author_names=names)


def ask(session: Session, forum: ForumRow, number: str, author: str) -> str | None:
    item = new_question(f"How is dish {number} cooked?", external_id=number, author=author)
    saving.save(session, forum, [item], lane=Lane.LIVE)
    return questions.get(session, forum.id, number).author


def test_a_name_is_kept_hashed_or_dropped(session: Session) -> None:
    kept = ask(session, forum_that(session, AuthorNames.KEPT), "1", "bob")
    forum = forum_that(session, AuthorNames.HASHED)
    hashed = [ask(session, forum, number, "bob") for number in "23"]
    other = ask(session, forum, "4", "eve")
    dropped = ask(session, forum_that(session, AuthorNames.DROPPED), "5", "bob")

    assert (kept, dropped) == ("bob", None)
    assert hashed[0] == hashed[1] != other
    assert "bob" not in str(hashed[0])


def test_the_same_name_has_another_mark_in_another_forum(session: Session) -> None:
    one = forum_that(session, AuthorNames.HASHED)
    make_forum(session, "bakers")
    two = forums.update_forum(session, "bakers", author_names=AuthorNames.HASHED)

    assert authors.kept_name(one, "bob") != authors.kept_name(two, "bob")
    assert authors.kept_name(one, authors.kept_name(one, "bob")) == authors.kept_name(one, "bob")


def test_all_of_an_author_is_found_and_erased_however_the_name_was_kept(session: Session) -> None:
    ask(session, forum_that(session, AuthorNames.KEPT), "1", "bob")
    forum = forum_that(session, AuthorNames.HASHED)
    ask(session, forum, "2", "bob")
    ask(session, forum, "3", "eve")

    found = [row.external_id for row in authors.all_by(session, forum, "bob")]
    gone = authors.erase(session, forum, "bob", actor="test")

    assert (found, gone) == (["1", "2"], 2)
    left = questions.list_questions(session, forum.id, after=0, limit=9)
    assert [row.external_id for row in left] == ["3"]


def test_a_name_can_be_forgotten_and_the_questions_stay(session: Session) -> None:
    forum = forum_that(session, AuthorNames.KEPT)
    ask(session, forum, "1", "bob")

    assert authors.forget(session, forum, "bob") == 1
    assert questions.get(session, forum.id, "1").author is None
