"""A forum and how many of its questions wait."""

from fastapi import APIRouter

from api.deps import ReadForum, Sessions
from api.http.texts import CheckedRoute
from api.shapes.schemas import ForumOut
from db.work import jobs
from db.work.rows import Lane

_COUNTED = 100_000

router = APIRouter(prefix="/v1/forums", tags=["forums"], route_class=CheckedRoute)


@router.get("/{forum}")
def get_forum(forum: ReadForum, sessions: Sessions) -> ForumOut:
    """Return a forum's settings and how many of its questions wait for a check."""
    with sessions.begin() as session:
        waiting = [
            jobs.count_pending(session, forum.id, lane, cap=_COUNTED)
            for lane in (Lane.LIVE, Lane.ARCHIVE)
        ]
    return ForumOut(
        name=forum.name,
        title=forum.title,
        text_fields=forum.text_fields,
        threshold=forum.threshold,
        observe_only=forum.observe_only,
        pending=min(sum(waiting), _COUNTED),
        pending_limit=forum.pending_limit,
    )
