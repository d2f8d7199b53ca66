"""A forum's questions: stored, read, erased."""

from contextlib import nullcontext
from datetime import datetime
from typing import Annotated, TypedDict

import anyio
from fastapi import APIRouter, Path, Query, Request, Response, status
from pydantic import AwareDatetime
from starlette.concurrency import run_in_threadpool

from api.deps import (
    Caller,
    ReadForum,
    Services,
    Sessions,
    SubmitForum,
    SubmitJsonForum,
    services_of,
)
from api.http.openapi import conflict
from api.http.texts import CheckedRoute
from api.shapes.answers import question_out
from api.shapes.schemas import ExternalId, QuestionIn, QuestionOut, Version
from api.submitting.finishes import Waiter
from api.submitting.submits import Submit
from db.errors import QuestionNotFoundError
from db.questions import erasures, questions
from db.questions.rows import State
from db.tenants.rows import ForumRow
from worker.text import intake
from worker.text.cuts import cuts_of

_FIRST_LOOK_S = 0.1
"""A waiting request hears of the finish. It also looks by itself, in case the message got lost."""
_LONGEST_PAUSE_S = 0.5


router = APIRouter(
    prefix="/v1/forums/{forum}/questions", tags=["questions"], route_class=CheckedRoute
)

QuestionId = Annotated[ExternalId, Path()]
_ERASED = "When the forum erased it: older changes that arrive later are refused"
_OUTDATED = conflict("A newer version is stored, or it was erased after this version")


class _Told(TypedDict):
    edited_at: datetime | None
    revision: int | None


_Wait = Annotated[
    float,
    Query(
        ge=0,
        allow_inf_nan=False,
        description="Seconds to wait for the duplicates; the service has an upper limit",
    ),
]


@router.put(
    "/{question_id:path}",
    responses={
        status.HTTP_202_ACCEPTED: {
            "model": QuestionOut,
            "description": "A worker will check it; ask again at `Location`",
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
        **_OUTDATED,
    },
)
async def put_question(
    *,
    question_id: QuestionId,
    question: QuestionIn,
    forum: SubmitJsonForum,
    request: Request,
    response: Response,
    wait: _Wait = 0.0,
) -> QuestionOut:
    """Create or edit a question; the same call again changes nothing.

    200 when nothing has to be checked, or when `wait` was long enough; 202 otherwise.
    """
    services = services_of(request)  # a dependency of its own costs more than all that it does
    item = intake.question_of(
        question.submission(question_id),
        text_fields=forum.text_fields,
        cuts=cuts_of(forum.prefixes, forum.boilerplate),
    )
    with services.finishes.waiter() if wait > 0 else nullcontext() as waiter:
        saved, answer = await services.submits.store(Submit(forum, item, waiter))
        if answer.state is State.PENDING and waiter is not None:
            answer = await _wait_for(services, forum, question_id, answer, waiter, wait_s=wait)
    if answer.state is State.PENDING and saved.owes_work:
        response.status_code = status.HTTP_202_ACCEPTED
        response.headers["Location"] = answer.status_url
    return answer


@router.get("/{question_id:path}")
def get_question(question_id: QuestionId, forum: ReadForum, sessions: Sessions) -> QuestionOut:
    """Return a question, its state, and its duplicates with all their scores."""
    with sessions.begin() as session:
        found = questions.answer(session, forum.id, question_id)
    return question_out(forum, found)


@router.delete("/{question_id:path}", status_code=status.HTTP_204_NO_CONTENT, responses=_OUTDATED)
def erase_question(
    *,
    question_id: QuestionId,
    forum: SubmitForum,
    caller: Caller,
    sessions: Sessions,
    updated_at: Annotated[AwareDatetime | None, Query(description=_ERASED)] = None,
    version: Annotated[Version, Query()] = None,
) -> None:
    """Erase a question for good: its text, its vectors, its pairs and notes about them."""
    told: _Told = {"edited_at": updated_at, "revision": version}
    actor = f"key {caller.key.prefix}"
    try:
        with sessions.begin() as session:
            questions.erase(session, forum.id, question_id, actor=actor, **told)
    except QuestionNotFoundError:
        if updated_at is not None or version is not None:
            # The question may still arrive, later than its erasure: it must not be stored then.
            with sessions.begin() as session:
                erasures.note(session, forum.id, question_id, **told)
        raise


async def _wait_for(
    services: Services,
    forum: ForumRow,
    question_id: str,
    answer: QuestionOut,
    waiter: Waiter,
    *,
    wait_s: float,
) -> QuestionOut:
    slots = services.wait_slots
    if slots.available_tokens < 1:
        return answer
    look_s, single = _FIRST_LOOK_S, services.store.single
    async with slots:
        with anyio.move_on_after(min(wait_s, services.settings.wait_limit_s)):
            while answer.state is State.PENDING:
                await waiter.wait(within_s=look_s)
                look_s = min(_LONGEST_PAUSE_S, 2 * look_s)
                answer = await run_in_threadpool(get_question, question_id, forum, single)
    return answer
