"""The filters in an address of the queue, and the frame of every page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from api.console.entering.access import Reviewer
from api.console.offers import OFFERS
from api.http.under import here
from db.deciding import opinions
from db.review import insight
from db.review import queue as review
from db.review.queue import COUNT_LIMIT, QueueFilter, Sort
from db.rows import PairStatus

_NAMES = ("status", "category", "min", "max", "since", "model", "claimed", "q", "group")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The order and the filters of the queue, also as a query string."""

    sort: Sort
    where: QueueFilter
    values: Mapping[str, str]
    query: str

    @property
    def is_filtered(self) -> bool:
        """Return whether any filter was chosen."""
        return any(name != "sort" for name in self.values)


def read_view(params: Mapping[str, str], reviewer: Reviewer) -> View:
    """Return the view of these query parameters.

    Invalid values are ignored, so that an address typed by hand shows a page, not an error.
    """
    values = {name: params[name].strip() for name in _NAMES if params.get(name, "").strip()}
    status = values.get("status")
    where = QueueFilter(
        status=PairStatus(status) if status in set(PairStatus) else PairStatus.FLAGGED,
        category=values.get("category"),
        min_score=_number(values.get("min")),
        max_score=_number(values.get("max")),
        since=_day(values.get("since")),
        reranker_id=_id(values.get("model")),
        claimed_by=reviewer.name if values.get("claimed") == "me" else values.get("claimed"),
        words=values["q"][:200] if "q" in values else None,
        group_id=_id(values.get("group")),
        awake_for=reviewer.name,
    )
    sort = params.get("sort", "")
    sort_by = Sort(sort) if sort in set(Sort) else Sort.CERTAIN
    if sort_by is not Sort.CERTAIN:
        values["sort"] = sort_by
    return View(sort=sort_by, where=where, values=values, query=urlencode(values))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return min(1.0, max(0.0, value)) if value == value else None  # noqa: PLR0124  # not a number


def _id(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else None  # noqa: PLR2004  # fits


def _day(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def frame(session: Session, reviewer: Reviewer, *, active: str) -> dict[str, Any]:
    """Return the data for the frame of every page: person, forum, counts."""
    waiting = review.count_pairs(session, reviewer.forum.id, QueueFilter())
    return {
        "visitor": reviewer.visitor,
        "csrf": reviewer.visitor.csrf,
        "reviewer": reviewer,
        "forum": reviewer.forum,
        "base": here(f"/console/{reviewer.forum.name}"),
        "active": active,
        "waiting": waiting,
        "differing": opinions.count_differing(session, reviewer.forum.id, **reviewer.signature),
        "offer": OFFERS.find(session, reviewer),
        "count_limit": COUNT_LIMIT,
        "done_today": insight.count_done_today(session, reviewer.forum.id, reviewer.name),
    }
