"""Creates questions and forums for tests."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from db.questions import questions, saving
from db.questions.rows import NewQuestion, Saved
from db.rows import Provenance
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from worker.text.normal import estimate_tokens, full_text, text_digest


def make_forum(session: Session, name: str = "cooks") -> ForumRow:
    return forums.ensure_forum(session, name)


def new_question(
    title: str,
    *,
    external_id: str = "1",
    body: str = "",
    visible: bool = True,
    author: str | None = None,
) -> NewQuestion:
    return NewQuestion(
        external_id=external_id,
        title=title,
        body=body,
        visible=visible,
        author=author,
        text_fields="title",
        text_digest=text_digest(full_text(title, body)),
        content_digest=f"{title}\0{body}\0{visible}".encode(),
        foreign_share=0.0,
        tokens=estimate_tokens(title),
    )


def save_questions(
    session: Session, forum: ForumRow, *titles: str, lane: Lane = Lane.LIVE, first: int = 1
) -> list[Saved]:
    """Save one question per title, with the ids "1", "2", and so on."""
    items = [new_question(title, external_id=str(n)) for n, title in enumerate(titles, start=first)]
    return saving.save(session, forum, items, lane=lane)


NO_MODELS = Provenance(
    bi_encoder_id=None,  # type: ignore[arg-type]
    reranker_id=None,  # type: ignore[arg-type]
    threshold=0.5,
    observe_only=False,
)


def finish(session: Session, lease: UUID, ids: Sequence[int]) -> set[int]:
    """Mark the jobs of questions as done, although no model has read them; no webhook is asked."""
    return questions.finish(session, 0, lease, ids, NO_MODELS)[0]
