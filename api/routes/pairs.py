"""A forum's pairs in pages, and as a feed; new pairs do not shift the pages."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from api.deps import ReadForum, Sessions
from api.http.texts import CheckedRoute
from api.shapes.answers import pair_out
from api.shapes.schemas import PairsOut
from db.errors import InvalidInputError
from db.pairs import listing, pairs
from db.pairs.listing import Order, PairFilter, Place
from db.pairs.rows import PairRow
from db.rows import PairStatus

_CURSOR = re.compile(r"(pair|newest|score|changed):(?:(-?[0-9.e-]{1,30}):)?([1-9]\d{0,17})")
_NAMES = {"pair": Order.OLDEST, **{str(one): one for one in Order if one is not Order.OLDEST}}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US = 10**17

router = APIRouter(prefix="/v1/forums/{forum}", tags=["pairs"], route_class=CheckedRoute)


def _in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC: the database takes no zone that is more than 16 hours away."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must be a moment between the years 1 and 9999") from error


_Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class PairsQuery(BaseModel):
    """Which pairs, in which order, how many."""

    statuses: list[PairStatus] = Field(
        default=[*pairs.SHOWN],
        alias="status",
        description="May be repeated; without it `flagged` and `duplicate`",
    )
    min_score: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    max_score: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    category: str | None = Field(default=None, max_length=200, description="Of both questions")
    flagged_since: _Moment | None = Field(default=None, description="With a time zone")
    flagged_before: _Moment | None = None
    updated_since: _Moment | None = Field(
        default=None,
        description="As a feed: pairs that changed since, in the order in which they changed",
    )
    sort: Order | None = Field(default=None, description="Without it `oldest`")
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before")
    limit: int = Field(default=100, ge=1, le=500)

    @property
    def order(self) -> Order:
        """Return the order of the pairs."""
        return self.sort or (Order.OLDEST if self.updated_since is None else Order.CHANGED)

    def where(self) -> PairFilter:
        """Return the filters."""
        return PairFilter(
            statuses=self.statuses,
            min_score=self.min_score,
            max_score=self.max_score,
            category=self.category,
            flagged_since=self.flagged_since,
            flagged_before=self.flagged_before,
            changed_since=self.updated_since,
        )


class CursorError(InvalidInputError):
    """The cursor is not valid: use `next_cursor` of the page before, with the same `sort`."""


@router.get("/pairs")
def list_pairs(
    forum: ReadForum, sessions: Sessions, query: Annotated[PairsQuery, Query()]
) -> PairsOut:
    """Return the forum's pairs; follow `next_cursor` until it is null.

    Sorted by `changed`, or with `updated_since`, it is a feed: `next_cursor` is never null, and the
    same call with it returns what has changed since.
    """
    order, limit = query.order, query.limit
    after = read_cursor(query.cursor, order) if query.cursor is not None else None
    with sessions.begin() as session:
        # One row more than asked for shows whether there is a next page.
        found = listing.list_pairs(
            session, forum.id, where=query.where(), order=order, after=after, limit=limit + 1
        )
    page = found[:limit]
    goes_on = len(found) > limit or order is Order.CHANGED
    there = write_cursor(_place_of(page[-1]), order) if page else query.cursor
    return PairsOut(pairs=[pair_out(row) for row in page], next_cursor=there if goes_on else None)


def _place_of(row: PairRow) -> Place:
    return Place(pair_id=row.id, score=row.score, changed_at=row.changed_at)


def write_cursor(place: Place, order: Order = Order.OLDEST) -> str:
    """Return the cursor of the pairs after this place."""
    parts = [next(name for name, one in _NAMES.items() if one is order)]
    if order is Order.SCORE:
        parts.append(repr(place.score))
    if order is Order.CHANGED and place.changed_at is not None:
        parts.append(str((place.changed_at - _EPOCH) // timedelta(microseconds=1)))
    text = ":".join([*parts, str(place.pair_id)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, order: Order = Order.OLDEST) -> Place:
    """Return the place of the pair before the cursor; raises `CursorError`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise CursorError from error
    found = _CURSOR.fullmatch(text)
    if found is None or _NAMES[found[1]] is not order:
        raise CursorError
    return _place(order, found[2], int(found[3]))


def _place(order: Order, value: str | None, pair_id: int) -> Place:
    if (value is not None) is not (order in {Order.SCORE, Order.CHANGED}):
        raise CursorError
    try:
        if value is not None and order is Order.SCORE:
            return Place(pair_id=pair_id, score=float(value))
        if value is not None:
            moment = _EPOCH + timedelta(microseconds=min(int(value), _LAST_US))
            return Place(pair_id=pair_id, changed_at=moment)
    except (ValueError, OverflowError) as error:
        raise CursorError from error
    return Place(pair_id=pair_id)
