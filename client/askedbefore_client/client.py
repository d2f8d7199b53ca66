"""The client that waits for each answer."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Self, TypeVar, Unpack

import httpx

from askedbefore_client.answers import no_answer, result, settings
from askedbefore_client.calls import Call, Calls, PairsQuery
from askedbefore_client.errors import AskedBeforeError
from askedbefore_client.results import (
    Actions,
    BatchItem,
    Checked,
    Pair,
    Pairs,
    Question,
    Stored,
)
from askedbefore_client.retry import NEVER, Retry

T = TypeVar("T")


class Client:
    """Calls one service about one forum. Safe to share between threads.

    Every method raises an `AskedBeforeError` if its call fails. Use the client in a ``with`` block,
    or call `close`.
    """

    def __init__(  # what a caller may choose
        self,
        url: str,
        key: str,
        forum: str,
        *,
        timeout_s: float = 10.0,
        retry: Retry | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._http = httpx.Client(**settings(url, key, timeout_s), transport=transport)
        self._calls = Calls(forum)
        self._retry = retry or Retry()
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def submit(self, question: Question, *, wait_s: float = 0) -> Stored:
        """Store a question or an edit; wait up to *wait_s* seconds for its duplicates."""
        return self._send(self._calls.submit(question, wait_s=wait_s))

    def get(self, question_id: str) -> Stored:
        """Return a stored question with its duplicates."""
        return self._send(self._calls.get(question_id))

    def delete(self, question_id: str) -> None:
        """Erase a question for good: text, vectors, pairs and notes."""
        self._send(self._calls.delete(question_id))

    def batch(self, questions: Iterable[Question]) -> list[BatchItem]:
        """Store any number of questions and return a result for each, in their order.

        A refused question has `errors`; the others are stored.
        """
        return [item for call in self._calls.batches(questions) for item in self._send(call)]

    def check(self, title: str, body: str = "") -> Checked:
        """Return which questions ask the same as this text, which is not stored. Never repeated."""
        return self._send(self._calls.check(title, body))

    def outcome(
        self,
        check_id: str,
        outcome: str,
        *,
        candidate_id: str | None = None,
        question_id: str | None = None,
    ) -> None:
        """Report what an asker did about a suggestion.

        *outcome* is ``shown``, ``opened``, ``answered``, ``different`` or ``posted``.
        """
        ids = {"candidate_id": candidate_id, "question_id": question_id}
        self._send(self._calls.outcome(check_id, outcome, **ids))

    def pairs(self, *statuses: str, min_score: float | None = None) -> Iterator[Pair]:
        """Return all pairs of these statuses, the oldest first, page by page."""
        page = self.pairs_page(*statuses, min_score=min_score)
        yield from page.pairs
        while page.next_cursor is not None:
            page = self.pairs_page(*statuses, min_score=min_score, cursor=page.next_cursor)
            yield from page.pairs

    def pairs_page(self, *statuses: str, **wanted: Unpack[PairsQuery]) -> Pairs:
        """Return one page of pairs; `PairsQuery` has the options.

        With *updated_since* the pages are a feed of changes: keep the last cursor, and continue
        with it later.
        """
        return self._send(self._calls.pairs(statuses, wanted))

    def actions(
        self, after: str | None = None, *, state: str = "open", limit: int = 100
    ) -> Actions:
        """Return a page of actions, which the forum is to carry out, the oldest first."""
        return self._send(self._calls.actions(after=after, state=state, limit=limit))

    def confirm(self, action_id: str, state: str, reason: str | None = None) -> None:
        """Report the *state* of an action: ``applied``, ``failed`` or ``reverted``."""
        self._send(self._calls.confirm(action_id, state, reason))

    def _send(self, call: Call[T]) -> T:
        retry, tried = self._retry if call.is_repeated else NEVER, 1
        while True:
            try:
                return self._try(call)
            except AskedBeforeError as error:
                pause_s = retry.pause_s(error, tried=tried)
                if pause_s is None:
                    raise
            self._sleep(pause_s)
            tried += 1

    def _try(self, call: Call[T]) -> T:
        try:
            response = self._http.request(
                call.method, call.path, json=call.json, params=call.params
            )
        except httpx.RequestError as error:
            raise no_answer(error) from error
        return result(call, response)
