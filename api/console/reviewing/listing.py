"""The list of the review page: entries of the queue and second opinions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from api.console.entering.access import Reviewer
from api.console.view import View
from api.http.under import here
from db.deciding import opinions
from db.deciding.opinions import Asked
from db.review import attention, entries
from db.review.entries import Entry
from db.rows import PairStatus

PAGE = 50
SECOND_OPINIONS = 2
"""At most so many on a page, so that new pairs come first."""
_STEP = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A row of the list: a pair, several that connect, or a pair for a second opinion."""

    key: str
    path: str
    stage_path: str
    pair_ids: Sequence[int]
    title: str
    score: float
    questions: int
    opinion_id: int | None = None
    claimed_by: str | None = None
    """The colleague who has it on stage."""


def list_items(
    session: Session, reviewer: Reviewer, view: View, *, after: int | None = None, told: int = 0
) -> dict[str, Any]:
    """Return the data for the template of the list.

    It begins after the pair *after*, and its second opinions after the one with the id *told*.
    """
    found = entries.list_entries(
        session, reviewer.forum.id, view.where, sort=view.sort, after=after, limit=PAGE
    )
    claims = attention.active_claims(session, reviewer.forum.id)
    items = [_entry_item(entry, claims, me=reviewer.name) for entry in found.entries]
    if not view.is_filtered and view.where.status is PairStatus.FLAGGED:
        asked = opinions.list_asked(
            session, reviewer.forum.id, reviewer.name, after=told, limit=SECOND_OPINIONS
        )
        for number, one in enumerate(asked, start=1):
            items.insert(number * _STEP - 1, _second_item(one, claims, me=reviewer.name))
    return {
        "items": items,
        "after": found.after,
        "view": view,
        "base": here(f"/console/{reviewer.forum.name}"),
    }


def _entry_item(entry: Entry, claims: Mapping[int, str], *, me: str) -> Item:
    pair_id = entry.first.pair_id
    return Item(
        key=str(pair_id),
        path=f"review/{pair_id}",
        stage_path=f"/pairs/{pair_id}/stage",
        pair_ids=entry.pair_ids,
        title=entry.first.title,
        score=entry.first.score,
        questions=entry.questions,
        claimed_by=attention.colleague(claims, entry.pair_ids, me=me),
    )


def _second_item(asked: Asked, claims: Mapping[int, str], *, me: str) -> Item:
    return Item(
        key=f"s{asked.id}",
        path=f"second/{asked.id}",
        stage_path=f"/second/{asked.id}/stage",
        pair_ids=(asked.pair_id,),
        title=asked.title,
        score=asked.score,
        questions=2,
        opinion_id=asked.id,
        claimed_by=attention.colleague(claims, (asked.pair_id,), me=me),
    )
