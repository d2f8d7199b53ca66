"""Was this asked before? For a text that is not stored."""

import anyio.to_thread
from fastapi import APIRouter, Depends

from api.deps import AllServices, AskForum, only_json
from api.http.texts import CheckedRoute
from api.shapes.check_ids import Suggested, seal
from api.shapes.schemas import CheckIn, CheckOut, ModelsOut, SuggestedOut
from db.errors import TransientError
from worker.queue import CheckAnswer, CheckRequest

router = APIRouter(prefix="/v1/forums/{forum}", tags=["questions"], route_class=CheckedRoute)


@router.post("/check", dependencies=[Depends(only_json)])
async def check(text: CheckIn, forum: AskForum, services: AllServices) -> CheckOut:
    """Return the forum's visible questions that ask the same as this text; nothing is stored.

    `check_id` is for reporting later what the asker did about them.
    """
    # A request that waits for a worker keeps a thread: only a few may, so that others get one too.
    if services.check_slots.available_tokens < 1:
        raise TransientError("too many checks are running; try again", retry_after_s=1)
    request = CheckRequest(forum_id=forum.id, title=text.title, body=text.body)
    found = await anyio.to_thread.run_sync(
        _ask, services, request, limiter=services.check_slots, abandon_on_cancel=True
    )
    return _answer(found, seal(services.settings, Suggested.of(forum.id, found)))


def _ask(services: AllServices, request: CheckRequest) -> CheckAnswer:
    return services.queue.check(request, timeout_s=services.settings.check_timeout_s)


def _answer(answer: CheckAnswer, check_id: str) -> CheckOut:
    found = [SuggestedOut.model_validate(one, from_attributes=True) for one in answer.duplicates]
    return CheckOut(
        check_id=check_id,
        duplicates=found,
        threshold=answer.threshold,
        models=ModelsOut(bi_encoder=answer.bi_encoder, reranker=answer.reranker),
        warnings=list(answer.warnings),
    )
