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
from api.console.reviewing.seen import Seen, read_seen, seen_now
from api.deps import Sessions
from db.engine import Sessions as SessionFactory
from db.review import attention, insight
from db.review import queue as review
from db.review.insight import Change
from db.review.queue import QueueFilter

STREAM_S = 10
"""Seconds after which a stream ends and the browser opens the next; a server can stop by then."""

router = APIRouter(
    prefix="/console/{forum}", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)


class Watch:
    """What one page has seen of its forum; without it, the page has seen all up to now."""

    def __init__(self, sessions: SessionFactory, reviewer: Reviewer, seen: Seen | None) -> None:
        self._sessions = sessions
        self._forum_id = reviewer.forum.id
        self._name = reviewer.name
        self._claims: dict[int, str] | None = None
        self.seen = seen

    def look(self) -> dict[str, Any] | None:
        """Return what is new since the last look, or None.

        Where more is new than one look reads, it says so and names no change: the page has to be
        read again.
        """
        with self._sessions.begin() as session:
            seen = self.seen or seen_now(session, self._forum_id)
            changes = insight.changes_since(session, self._forum_id, seen.since, without=seen.ids)
            claims = attention.active_claims(session, self._forum_id)
            if not changes and claims == self._claims:
                return None
            is_missing = len(changes) == insight.CHANGES_LIMIT
            waiting = review.count_pairs(session, self._forum_id, QueueFilter())
            done = insight.count_done_today(session, self._forum_id, self._name)
        self.seen = seen.plus(change.event_id for change in changes)
        self._claims = claims
        return {
            "missing": is_missing,
            "changes": [] if is_missing else [self._as_told(change) for change in changes],
            "claims": {str(pair): who for pair, who in claims.items() if who != self._name},
            "waiting": waiting,
            "done": done,
        }

    def _as_told(self, change: Change) -> dict[str, Any]:
        is_mine = change.actor == self._name
        return {
            "pair": change.pair_id,
            "status": change.status,
            "by": change.actor,
            "mine": is_mine,
        }


@router.get("/live")
def live(
    *,
    request: Request,
    reviewer: AReviewer,
    sessions: Sessions,
    console: Console,
    seen: str = "",
    last_event_id: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """Stream what the page has not seen, until the browser disconnects.

    A page says in *seen* what it was read with, and its browser in *last_event_id* what came since.
    """
    watch = Watch(sessions, reviewer, read_seen(last_event_id) or read_seen(seen))
    stream = _stream(request, watch, interval_s=console.live_interval_s)
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _stream(request: Request, watch: Watch, *, interval_s: float) -> AsyncIterator[str]:
    yield "retry: 500\n\n"
    until = time.monotonic() + STREAM_S
    while time.monotonic() < until and not await request.is_disconnected():
        news = await run_in_threadpool(watch.look)
        yield f"id: {watch.seen}\ndata: {json.dumps(news)}\n\n" if news else ": nothing new\n\n"
        await asyncio.sleep(interval_s)
