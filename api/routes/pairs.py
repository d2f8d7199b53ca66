"""A forum's pairs in pages; new pairs do not shift the pages."""

import base64
import binascii
import re
from typing import Annotated

from fastapi import APIRouter, Query

from api.answers import pair_out
from api.deps import ReadForum, Sessions
from api.http.texts import CheckedRoute
from api.schemas import PairsOut
from db.errors import InvalidInputError
from db.pairs import pairs
from db.rows import PairStatus

_CURSOR = re.compile(r"pair:([1-9]\d{0,17})")

router = APIRouter(prefix="/v1/forums/{forum}", tags=["pairs"], route_class=CheckedRoute)

_Statuses = Annotated[
    list[PairStatus],
    Query(alias="status", description="May be repeated; without it `flagged` and `duplicate`"),
]
_Score = Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False)]
_Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]
_Limit = Annotated[int, Query(ge=1, le=500)]


class CursorError(InvalidInputError):
    """The cursor is not valid: use `next_cursor` of the page before."""


@router.get("/pairs")
def list_pairs(  # one parameter of the query each
    *,
    forum: ReadForum,
    sessions: Sessions,
    statuses: _Statuses = [*pairs.SHOWN],  # noqa: B006  # FastAPI copies it
    min_score: _Score = None,
    max_score: _Score = None,
    cursor: _Cursor = None,
    limit: _Limit = 100,
) -> PairsOut:
    """Return the forum's pairs, the oldest first; follow `next_cursor` until it is null."""
    after = read_cursor(cursor) if cursor is not None else None
    where = pairs.PairFilter(statuses=statuses, min_score=min_score, max_score=max_score)
    with sessions.begin() as session:
        # One more than asked for tells whether there is a next page.
        found = pairs.list_pairs(session, forum.id, where=where, after=after, limit=limit + 1)
    page = found[:limit]
    return PairsOut(
        pairs=[pair_out(row) for row in page],
        next_cursor=write_cursor(page[-1].id) if len(found) > limit else None,
    )


def write_cursor(pair_id: int) -> str:
    """Return the cursor of the pairs after this one."""
    return base64.urlsafe_b64encode(f"pair:{pair_id}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """Return the id of the pair before the cursor; raises `CursorError`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise CursorError from error
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise CursorError
    return int(found.group(1))
