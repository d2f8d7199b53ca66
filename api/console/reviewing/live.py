"""Server-sent events: decisions and claims of colleagues."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.console.entering.access import AReviewer, Console, ConsoleRoute, Reviewer
from api.deps import Sessions
from db.engine import Sessions as SessionFactory
from db.review import attention, insight
from db.review import queue as review
from db.review.queue import QueueFilter

_ID_DIGITS = 18
STREAM_S = 10
"""Seconds after which a stream ends and the browser opens the next; a server can stop by then."""
_LOOK_BACK = 200
"""Ids before the last one seen that are looked at again: events may commit out of order."""

router = APIRouter(
    prefix="/console/{forum}", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)


class Watch:
    """Events that one browser has already received."""

    def __init__(self, sessions: SessionFactory, reviewer: Reviewer, last: int | None) -> None:
        self._sessions = sessions
        self._forum_id = reviewer.forum.id
        self._name = reviewer.name
        self._claims: dict[int, str] | None = None
        self._told: set[int] = set()
        self.last = last

    def look(self) -> dict[str, Any] | None:
        """Return what is new since the last look, or None."""
        with self._sessions.begin() as session:
            if self.last is None:
                self.last = insight.last_event(session, self._forum_id)
            since = self.last - _LOOK_BACK
            changes = insight.changes_since(session, self._forum_id, since)
            fresh = [c for c in changes if c.event_id not in self._told]
            is_first = self._claims is None
            if is_first:  # earlier ones were sent by an earlier stream
                fresh = [c for c in fresh if c.event_id > self.last]
            claims = attention.active_claims(session, self._forum_id)
            if not (is_first or fresh or claims != self._claims):
                return None
            waiting = review.count_pairs(session, self._forum_id, QueueFilter())
            done = insight.count_done_today(session, self._forum_id, self._name)
        self._told = {change.event_id for change in changes}
        self._claims = claims
        self.last = max([self.last, *self._told])
        return {
            "changes": [
                {
                    "pair": c.pair_id,
                    "status": c.status,
                    "by": c.actor,
                    "mine": c.actor == self._name,
                }
                for c in fresh
            ],
            "claims": {str(pair): who for pair, who in claims.items() if who != self._name},
            "waiting": waiting,
            "done": done,
        }


@router.get("/live")
def live(
    *,
    request: Request,
    reviewer: AReviewer,
    sessions: Sessions,
    console: Console,
    last_event_id: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """Stream changes until the browser disconnects."""
    is_number = last_event_id.isascii() and last_event_id.isdigit()
    last = int(last_event_id[:_ID_DIGITS]) if is_number else None
    watch = Watch(sessions, reviewer, last)
    stream = _stream(request, watch, interval_s=console.live_interval_s)
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _stream(request: Request, watch: Watch, *, interval_s: float) -> AsyncIterator[str]:
    yield "retry: 500\n\n"
    until = time.monotonic() + STREAM_S
    while time.monotonic() < until and not await request.is_disconnected():
        news = await run_in_threadpool(watch.look)
        yield f"id: {watch.last}\ndata: {json.dumps(news)}\n\n" if news else ": nothing new\n\n"
        await asyncio.sleep(interval_s)
