"""Keeps the waiting questions of a forum below its limit, and says when there is room again."""

import math

from sqlalchemy.orm import Session

from api.http.cache import TimedCache
from db.errors import BackpressureError
from db.tenants.rows import ForumRow
from db.work import jobs
from db.work.rows import Lane

_ROOM = 0.1
"""Share of the limit that must be free before a forum should try again."""
_SHORTEST_S = 1
_LONGEST_S = 600
_UNKNOWN_S = 60
"""Seconds to wait if no question was checked lately, so that no rate is known."""


def retry_after_s(pending: int, limit: int, *, rate: float) -> int:
    """Return in how many seconds there will be room again at *rate* questions a second."""
    if rate <= 0:
        return _UNKNOWN_S
    excess = pending - limit * (1 - _ROOM)
    return math.ceil(max(_SHORTEST_S, min(_LONGEST_S, excess / rate)))


class Backlog:
    """How many questions of each forum's live lane wait, as one process knows it."""

    def __init__(self, cache_s: float) -> None:
        self._counts: TimedCache[int, list[int]] = TimedCache(cache_s)

    def admit(self, session: Session, forum: ForumRow) -> None:
        """Raise `BackpressureError` if the forum's waiting questions have reached the limit."""
        count = self._counts.find(forum.id)
        if count is None:
            cap = forum.pending_limit
            count = [jobs.count_pending(session, forum.id, Lane.LIVE, cap=cap)]
            self._counts.put(forum.id, count)
        if count[0] >= forum.pending_limit:
            rate = jobs.drain_rate(session, forum.id, Lane.LIVE)
            wait_s = retry_after_s(count[0], forum.pending_limit, rate=rate)
            raise BackpressureError(forum=forum.name, pending=count[0], retry_after_s=wait_s)

    def add(self, forum_id: int, enqueued: int) -> None:
        """Add what was just stored; otherwise a burst between two counts would pass the limit."""
        count = self._counts.find(forum_id)
        if count is not None:
            count[0] += enqueued
