"""Stores questions that were sent together: each is checked by itself, all in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

from pydantic import ValidationError

from api.http.errors import field_errors
from api.http.problems import FieldProblem
from api.http.texts import fault_of
from api.shapes.schemas import BatchItemIn, BatchItemOut
from api.submitting.store import Store
from db.questions import saving
from db.questions.rows import NewQuestion, Saved
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from worker.text import intake
from worker.text.cuts import cuts_of

_PART = 250
"""Questions that are stored at once. While Postgres stores a part, the next one is made."""


def sort_out(items: Sequence[Any]) -> tuple[dict[int, BatchItemIn], list[BatchItemOut]]:
    """Return the usable questions by their place in the batch, and the others with the reasons."""
    accepted: dict[int, BatchItemIn] = {}
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
            accepted[index] = item
        else:
            refused.append(_repeated(index, item.id, first))
    return accepted, refused


def store(to: Store, forum: ForumRow, accepted: Mapping[int, BatchItemIn]) -> dict[int, Saved]:
    """Store the questions, and return by their places what came of each, after the commit.

    Raises `BackpressureError`.
    """
    ordered = sorted(accepted.values(), key=attrgetter("id"))
    with to.sessions.begin() as session:
        to.admit(session, forum)
        done = saving.save_in_parts(session, forum, _parts(forum, ordered), lane=Lane.LIVE)
    saved = {one.external_id: one for one in done}
    return {index: saved[item.id] for index, item in accepted.items()}


def _parts(forum: ForumRow, ordered: Sequence[BatchItemIn]) -> Iterator[list[NewQuestion]]:
    cuts = cuts_of(forum.prefixes, forum.boilerplate)
    made = (
        intake.question_of(item.submission(item.id), text_fields=forum.text_fields, cuts=cuts)
        for item in ordered
    )
    while part := list(islice(made, _PART)):
        yield part


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
