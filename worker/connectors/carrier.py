"""Carries out actions in forums that have a connector, and reads their old questions page by page.

This runs in a thread of its own, because a forum may be slow. One worker at a time serves a forum.
Interrupted work is done again; doing it twice changes nothing.
"""

import threading
from contextlib import suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.acting import objections
from db.actions import actions, settling
from db.actions.actions import ActionFilter
from db.actions.rows import ActionRow, ActionState
from db.connecting import connectors
from db.connecting.connectors import Backfill, ConnectorKind, ConnectorRow
from db.engine import Sessions
from db.tenants import forums
from db.work.rows import Lane
from worker.connectors import taking
from worker.connectors.discourse import AwayError, Discourse, DiscourseError
from worker.queue import Queue
from worker.text.normal import TextFields

_AT_ONCE = 20
_PAGES_AT_ONCE = 5

log = structlog.get_logger()


class Carrier:
    """Serves the forums with connectors in a thread of its own."""

    def __init__(
        self, sessions: Sessions, queue: Queue, *, allow_private: bool, public_url: str
    ) -> None:
        self._sessions = sessions
        self._queue = queue
        self._allow_private = allow_private
        self._public_url = public_url
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin a round, unless one is under way."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._round, name="connectors", daemon=True)
            self._thread.start()

    def _round(self) -> None:
        with suppress(SQLAlchemyError):  # the next round tries again
            self.run()

    def run(self) -> int:
        """Serve each forum that can be called now; return how many actions were carried out."""
        with self._sessions.begin() as session:
            found = connectors.list_callable(session)
        forum_ids = [one.forum_id for one in found if one.kind is ConnectorKind.DISCOURSE]
        return sum(map(self._served, forum_ids))

    def _served(self, forum_id: int) -> int:
        try:
            return self._serve(forum_id)
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001  # the other forums are served all the same
            log.warning("connector.failed", forum_id=forum_id, error=type(error).__name__)
            return 0

    def _serve(self, forum_id: int) -> int:
        with self._sessions.begin() as session:
            row = connectors.claim(session, forum_id)
        if row is None:
            return 0
        forum = Discourse(row, allow_private=self._allow_private, public_url=self._public_url)
        try:
            done = self._carry_out(row, forum)
            if row.backfill is Backfill.RUNNING:
                self._read_pages(row, forum)
        except AwayError as error:
            self._note_away(row, error)
            return 0
        finally:
            with self._sessions.begin() as session:
                connectors.let_go(session, forum_id)
        return done

    def _carry_out(self, row: ConnectorRow, forum: Discourse) -> int:
        with self._sessions.begin() as session:
            settling.settle(session, row.forum_id)
            due = actions.list_actions(session, row.forum_id, where=ActionFilter(), limit=_AT_ONCE)
        for action in due:
            state, reason = _try_out(forum, action)
            with self._sessions.begin() as session:
                objections.confirm(session, row.forum_id, action.id, state, reason=reason)
            log.info("action.carried_out", action_id=action.id, kind=action.kind, state=state)
        return len(due)

    def _read_pages(self, row: ConnectorRow, forum: Discourse) -> None:
        with self._sessions.begin() as session:
            stored = forums.find_forums(session, {row.forum_id})[row.forum_id]
        with_bodies = stored.text_fields != TextFields.TITLE
        for number in range(row.page, row.page + _PAGES_AT_ONCE):
            try:
                page = forum.page(number, with_bodies=with_bodies)
            except DiscourseError as error:
                with self._sessions.begin() as session:
                    connectors.note_fault(session, row.forum_id, str(error), ends_backfill=True)
                return
            with self._sessions.begin() as session:
                owed, refused = taking.take_all(session, stored, page.changes, lane=Lane.ARCHIVE)
                connectors.note_page(
                    session, row.forum_id, number, read=len(page.changes), is_last=page.is_last
                )
            self._queue.wake(Lane.ARCHIVE)
            log.info(
                "backfill.page", forum_id=row.forum_id, page=number, owed=owed, refused=refused
            )
            if page.is_last:
                return

    def _note_away(self, row: ConnectorRow, error: AwayError) -> None:
        with self._sessions.begin() as session:
            connectors.note_fault(session, row.forum_id, str(error))
            connectors.rest(session, row.forum_id, seconds=error.rest_s)
        log.warning(
            "connector.away", forum_id=row.forum_id, rest_s=error.rest_s, error=str(error)[:200]
        )


def _try_out(forum: Discourse, action: ActionRow) -> tuple[ActionState, str | None]:
    try:
        forum.carry_out(action)
    except DiscourseError as error:
        return ActionState.FAILED, str(error)
    return ActionState.APPLIED, None
