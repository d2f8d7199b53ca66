"""Questions sent together: each checked by itself, all stored in one transaction."""

from urllib.parse import quote

from fastapi import APIRouter, Depends, Response, status

from api.deps import AllServices, SubmitForum, only_json
from api.http.texts import CheckedRoute
from api.shapes.answers import questions_url
from api.shapes.schemas import BatchIn, BatchItemOut, BatchOut
from api.submitting import batches
from db.questions.rows import Saved

router = APIRouter(prefix="/v1/forums/{forum}", tags=["questions"], route_class=CheckedRoute)


@router.post(
    "/questions:batch",
    dependencies=[Depends(only_json)],
    responses={
        status.HTTP_202_ACCEPTED: {"model": BatchOut, "description": "A worker will check some"}
    },
)
def put_batch(
    batch: BatchIn, forum: SubmitForum, services: AllServices, response: Response
) -> BatchOut:
    """Create or edit up to 1,000 questions; refused ones do not stop the others."""
    accepted, refused = batches.sort_out(batch.questions)
    saved = batches.store(services.store, forum, accepted)
    enqueued = services.store.tell(forum, list(saved.values()))
    if enqueued:
        response.status_code = status.HTTP_202_ACCEPTED
    under = questions_url(forum)
    done = [_saved(under, index, one) for index, one in saved.items()]
    items = sorted([*done, *refused], key=lambda item: item.index)
    return BatchOut(items=items, enqueued=enqueued, rejected=len(refused))


def _saved(under: str, index: int, saved: Saved) -> BatchItemOut:
    return BatchItemOut(
        index=index,
        id=saved.external_id,
        outcome=saved.outcome,
        status_url=under + quote(saved.external_id, safe=""),
        errors=[],
    )
