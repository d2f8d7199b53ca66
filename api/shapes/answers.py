"""From stored rows to the answers of the API."""

from urllib.parse import quote

from api.http.under import here
from api.shapes.schemas import (
    DuplicateOut,
    ModelsOut,
    PairOut,
    PairQuestionOut,
    QuestionOut,
    ScoresOut,
)
from db.pairs.rows import Duplicate, PairRow
from db.questions.rows import Answer, Facts
from db.tenants.rows import ForumRow
from worker.text.language import warnings_of

_FACTS = tuple(name for name in Facts.__dataclass_fields__ if name != "tags")


def status_url(forum: ForumRow, external_id: str) -> str:
    """Return the path under which a question's state and duplicates are read."""
    return questions_url(forum) + quote(external_id, safe="")


def questions_url(forum: ForumRow) -> str:
    """Return the path under which all questions of a forum are, with its last slash."""
    return here(f"/v1/forums/{quote(forum.name, safe='')}/questions/")


def question_out(forum: ForumRow, answer: Answer) -> QuestionOut:
    """Return a question as its forum reads it."""
    row = answer.question
    facts = Facts.of(row.facts)
    return QuestionOut(
        id=row.external_id,
        forum=forum.name,
        state=row.state,
        status_url=status_url(forum, row.external_id),
        title=row.title,
        body=row.body,
        url=row.url,
        category=row.category,
        author=row.author,
        asked_at=row.asked_at,
        visible=row.visible,
        **{name: getattr(facts, name) for name in _FACTS},
        tags=list(facts.tags),
        edited_at=row.edited_at,
        version=row.revision,
        text_fields=row.text_fields,
        threshold=row.threshold,
        models=ModelsOut(bi_encoder=row.bi_encoder, reranker=row.reranker),
        duplicates=[duplicate_out(duplicate) for duplicate in answer.duplicates],
        warnings=warnings_of(row.title, foreign_share=row.foreign_share),
        error=row.error,
        attempts=row.attempts,
        created_at=row.created_at,
        updated_at=row.updated_at,
        checked_at=row.checked_at,
    )


def duplicate_out(row: Duplicate) -> DuplicateOut:
    """Return a duplicate with every stage's score."""
    return DuplicateOut(
        id=row.id,
        title=row.title,
        url=row.url,
        pair_id=str(row.pair_id),
        score=row.score,
        cosine=row.cosine,
        kind=row.kind,
        status=row.status,
        threshold=row.threshold,
        scores=ScoresOut(forward=row.logit_forward, backward=row.logit_backward),
        models=ModelsOut(bi_encoder=row.bi_encoder, reranker=row.reranker),
        flagged_at=row.flagged_at,
    )


def pair_out(row: PairRow) -> PairOut:
    """Return a pair with the forum's own ids."""
    return PairOut(
        id=str(row.id),
        kind=row.kind,
        status=row.status,
        score=row.score,
        cosine=row.cosine,
        threshold=row.threshold,
        version=row.version,
        questions=(
            PairQuestionOut(id=row.low_external_id, title=row.low_title),
            PairQuestionOut(id=row.high_external_id, title=row.high_title),
        ),
        flagged_at=row.flagged_at,
        decided_at=row.decided_at,
        updated_at=row.changed_at,
    )
