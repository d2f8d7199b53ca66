"""Stores single questions: those that wait at one moment share a statement and its commit.

None waits for another one's fault: what cannot be stored together is stored alone.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

from api.shapes.answers import question_out
from api.shapes.schemas import QuestionOut
from api.submitting.finishes import Waiter
from api.submitting.gathering import Call, Gathering
from api.submitting.store import Store
from db.engine import is_of_some_rows
from db.questions import saving
from db.questions.rows import Answer, NewQuestion, Saved
from db.tenants.rows import ForumRow
from db.work.rows import Lane

_TOGETHER = 32


@dataclass(frozen=True, slots=True)
class Submit:
    """A question that is to be stored, and who waits for its duplicates."""

    forum: ForumRow
    item: NewQuestion
    waiter: Waiter | None


_Done = tuple[Saved, QuestionOut]
_Call = Call[Submit, _Done]


class Submits:
    """The single questions that one process is storing."""

    def __init__(self, store: Store, threads: ThreadPoolExecutor) -> None:
        self._to = store
        self._threads = threads
        # A trace is noted in the transaction of its request, so none is shared then.
        most = 1 if store.is_traced else _TOGETHER
        self._gathering: Gathering[Submit, _Done] = Gathering(self._store, self._threads, most=most)

    async def store(self, submit: Submit) -> _Done:
        """Return what was saved and its answer, after the commit.

        Raises `QuestionOutdatedError`, `BackpressureError` and what the database raises.
        """
        return await self._gathering.done(submit)

    def _store(self, calls: Sequence[_Call]) -> None:
        by_forum: dict[int, list[_Call]] = {}
        for call in calls:
            by_forum.setdefault(id(call.given.forum), []).append(call)
        for some in by_forum.values():
            try:
                self._store_in(some[0].given.forum, some)
            except Exception as error:  # noqa: BLE001  # another forum's are stored all the same
                for call in some:
                    call.fail(error)

    def _store_in(self, forum: ForumRow, calls: Sequence[_Call]) -> None:
        created = self._created(forum, [call.given.item for call in calls])
        done = list(zip(calls, created, strict=True))
        self._tell(forum, [(call, one) for call, one in done if one is not None])
        for call, one in done:
            if one is None:
                self._threads.submit(copy_context().run, self._store_alone, forum, call)

    def _created(
        self, forum: ForumRow, items: Sequence[NewQuestion]
    ) -> Sequence[tuple[Saved, Answer] | None]:
        try:
            with self._to.single.begin() as session:
                self._to.admit(session, forum)
                return saving.create(session, forum, items, lane=Lane.LIVE)
        except Exception as error:
            if len(items) == 1 or not is_of_some_rows(error):
                raise
            return [None] * len(items)

    def _store_alone(self, forum: ForumRow, call: _Call) -> None:
        try:
            with self._to.sessions.begin() as session:
                done = saving.put(session, forum, call.given.item, lane=Lane.LIVE)
            self._tell(forum, [(call, done)])
        except Exception as error:  # noqa: BLE001  # its caller handles it
            call.fail(error)

    def _tell(self, forum: ForumRow, done: Sequence[tuple[_Call, tuple[Saved, Answer]]]) -> None:
        """Tell workers, counters and callers what was stored; call it after the commit."""
        for call, (saved, _) in done:
            if call.given.waiter is not None:
                self._to.finishes.expect(call.given.waiter, saved.id)
        self._to.tell(forum, [saved for _, (saved, _) in done])
        for call, (saved, answer) in done:
            call.succeed((saved, question_out(forum, answer)))
