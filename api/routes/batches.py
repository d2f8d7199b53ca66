"""Questions sent together: each checked by itself, all stored in one transaction."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Response, status
from pydantic import ValidationError

from api.deps import AllServices, Services, SubmitForum, only_json
from api.http.errors import field_errors
from api.http.problems import FieldProblem
from api.http.texts import CheckedRoute, fault_of
from api.shapes.answers import questions_url
from api.shapes.schemas import BatchIn, BatchItemIn, BatchItemOut, BatchOut
from db.questions import saving
from db.questions.rows import NewQuestion, Saved
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from worker.text import intake
from worker.text.cuts import NO_CUTS, Cuts, cuts_of

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
    cuts = cuts_of(forum.prefixes, forum.boilerplate)
    accepted, refused = sort_out(batch.questions, forum.text_fields, cuts)
    saved = _save(services, forum, list(accepted.values()))
    enqueued = services.store.tell(forum, saved)
    if enqueued:
        response.status_code = status.HTTP_202_ACCEPTED
    under = questions_url(forum)
    done = [_saved(under, index, one) for index, one in zip(accepted, saved, strict=True)]
    items = sorted([*done, *refused], key=lambda item: item.index)
    return BatchOut(items=items, enqueued=enqueued, rejected=len(refused))


def sort_out(
    items: list[Any], text_fields: str, cuts: Cuts = NO_CUTS
) -> tuple[dict[int, NewQuestion], list[BatchItemOut]]:
    """Return the usable questions by their place in the batch, and the others with the reasons."""
    accepted: dict[int, NewQuestion] = {}
    refused: list[BatchItemOut] = []
    places: dict[str, int] = {}
    for index, raw in enumerate(items):
        if (fault := fault_of(raw)) is not None:
            unfit = {"type": "value_error", "loc": ("body", *fault.path), "msg": fault.detail}
            refused.append(_refused(index, raw, [unfit]))
            continue
        try:
            item = BatchItemIn.model_validate(raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            refused.append(_refused(index, raw, found))
            continue
        first = places.setdefault(item.id, index)
        if first == index:
            accepted[index] = intake.question_of(
                item.submission(item.id), text_fields=text_fields, cuts=cuts
            )
        else:
            refused.append(_repeated(index, item.id, first))
    return accepted, refused


def _save(services: Services, forum: ForumRow, items: list[NewQuestion]) -> list[Saved]:
    with services.sessions.begin() as session:
        services.store.admit(session, forum)
        return saving.save(session, forum, items, lane=Lane.LIVE)


def _saved(under: str, index: int, saved: Saved) -> BatchItemOut:
    return BatchItemOut(
        index=index,
        id=saved.external_id,
        outcome=saved.outcome,
        status_url=under + quote(saved.external_id, safe=""),
        errors=[],
    )


def _refused(index: int, raw: Any, errors: Sequence[Any]) -> BatchItemOut:
    name = raw.get("id") if isinstance(raw, dict) else None
    found = field_errors(errors, within=f"#/questions/{index}")
    return BatchItemOut(
        index=index,
        id=name if isinstance(name, str) and name.isprintable() else None,
        outcome=None,
        status_url=None,
        errors=[FieldProblem(**one) for one in found],
    )


def _repeated(index: int, external_id: str, first: int) -> BatchItemOut:
    problem = FieldProblem(
        detail=f"the same id stands at index {first} already", pointer=f"#/questions/{index}/id"
    )
    return BatchItemOut(
        index=index, id=external_id, outcome=None, status_url=None, errors=[problem]
    )
