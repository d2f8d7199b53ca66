"""All about one author: read for a request for information, and erased on demand."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.deps import AdminForum, Sessions
from api.http.texts import CheckedRoute
from api.shapes.answers import question_out
from api.shapes.schemas import AuthorErasedOut, AuthorOut
from db.questions import authors, questions

router = APIRouter(prefix="/v1/forums/{forum}/authors", tags=["authors"], route_class=CheckedRoute)

_Author = Annotated[
    str, Path(min_length=1, max_length=200, description="The name, as the forum sends it")
]


@router.get("/{author:path}")
def get_author(forum: AdminForum, sessions: Sessions, author: _Author) -> AuthorOut:
    """Return all questions of an author with what was found about them."""
    with sessions.begin() as session:
        found = [
            question_out(forum, questions.answer(session, forum.id, row.external_id))
            for row in authors.all_by(session, forum, author)
        ]
    return AuthorOut(author=author, kept_as=authors.kept_name(forum, author), questions=found)


@router.delete("/{author:path}")
def erase_author(
    forum: AdminForum,
    sessions: Sessions,
    author: _Author,
    keep_questions: Annotated[
        bool, Query(description="Only remove the name from the questions")
    ] = False,
) -> AuthorErasedOut:
    """Erase all questions of an author, or only the name; the same call again finds nothing."""
    with sessions.begin() as session:
        if keep_questions:
            return AuthorErasedOut(names=authors.forget(session, forum, author), questions=0)
        gone = authors.erase(session, forum, author, actor="forum")
    return AuthorErasedOut(names=gone, questions=gone)
