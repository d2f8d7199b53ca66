"""Authors: how much of a name is kept, and all data about one author, read and erased."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.questions import questions
from db.questions.rows import NewQuestion, QuestionRow
from db.tables.questions import Question
from db.tenants.rows import AuthorNames, ForumRow

_MARK = "author:"
_HASHED = re.compile(r"author:[0-9a-f]{32}")


def kept_name(forum: ForumRow, author: str | None) -> str | None:
    """Return what the forum keeps of an author's name."""
    if author is None or forum.author_names is AuthorNames.DROPPED:
        return None
    if forum.author_names is AuthorNames.KEPT or _HASHED.fullmatch(author):
        return author
    digest = hashlib.blake2b(author.encode(), key=forum.author_salt.bytes, digest_size=16)
    return _MARK + digest.hexdigest()


def as_kept(forum: ForumRow, items: Sequence[NewQuestion]) -> Sequence[NewQuestion]:
    """Return the questions with their authors as the forum keeps them."""
    if forum.author_names is AuthorNames.KEPT:
        return items
    return [replace(item, author=kept_name(forum, item.author)) for item in items]


def kept_names(forum: ForumRow, names: Sequence[str | None]) -> Sequence[str | None]:
    """Return what the forum keeps of each author's name."""
    if forum.author_names is AuthorNames.KEPT:
        return names
    kept = {name: kept_name(forum, name) for name in set(names)}
    return [kept[name] for name in names]


def all_by(session: Session, forum: ForumRow, author: str) -> Iterator[QuestionRow]:
    """Yield all questions of an author, whether the name was kept or hashed when they came."""
    named = select(Question.external_id).where(
        Question.forum_id == forum.id, Question.author.in_(_names(forum, author))
    )
    for external_id in list(session.execute(named.order_by(Question.id)).scalars()):
        yield questions.get(session, forum.id, external_id)


def forget(session: Session, forum: ForumRow, author: str) -> int:
    """Remove the author's name from all questions, which stay; return how many."""
    changed = session.execute(
        update(Question)
        .where(Question.forum_id == forum.id, Question.author.in_(_names(forum, author)))
        .values(author=None)
        .returning(Question.id)
    )
    return len(changed.all())


def erase(session: Session, forum: ForumRow, author: str, *, actor: str) -> int:
    """Erase all questions of an author, with vectors, pairs and events; return how many."""
    external_ids = [row.external_id for row in all_by(session, forum, author)]
    for external_id in external_ids:
        questions.erase(session, forum.id, external_id, actor=actor)
    return len(external_ids)


def _names(forum: ForumRow, author: str) -> set[str]:
    hashed = kept_name(replace(forum, author_names=AuthorNames.HASHED), author)
    return {author, hashed or author}
