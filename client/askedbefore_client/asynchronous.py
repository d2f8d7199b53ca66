"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
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


class AsyncClient:
    """Calls one service about one forum, with the methods of `Client` as coroutines.

    Every method raises an `AskedBeforeError` if its call fails. Use the client in an ``async with``
    block, or call `close`.
    """

    def __init__(  # what a caller may choose
        self,
        url: str,
        key: str,
        forum: str,
        *,
        timeout_s: float = 10.0,
        retry: Retry | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._http = httpx.AsyncClient(**settings(url, key, timeout_s), transport=transport)
        self._calls = Calls(forum)
        self._retry = retry or Retry()
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def submit(self, question: Question, *, wait_s: float = 0) -> Stored:
        """Store a question or an edit; wait up to *wait_s* seconds for its duplicates."""
        return await self._send(self._calls.submit(question, wait_s=wait_s))

    async def get(self, question_id: str) -> Stored:
        """Return a stored question with its duplicates."""
        return await self._send(self._calls.get(question_id))

    async def delete(self, question_id: str) -> None:
        """Erase a question for good: text, vectors, pairs and notes."""
        await self._send(self._calls.delete(question_id))

    async def batch(self, questions: Iterable[Question]) -> list[BatchItem]:
        """Store any number of questions and return a result for each, in their order.

        A refused question has `errors`; the others are stored.
        """
        items: list[BatchItem] = []
        for call in self._calls.batches(questions):
            found = await self._send(call)
            items.extend(found)
        return items

    async def check(self, title: str, body: str = "") -> Checked:
        """Return which questions ask the same as this text, which is not stored. Never repeated."""
        return await self._send(self._calls.check(title, body))

    async def outcome(
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
        await self._send(self._calls.outcome(check_id, outcome, **ids))

    async def pairs(self, *statuses: str, min_score: float | None = None) -> AsyncIterator[Pair]:
        """Return all pairs of these statuses, the oldest first, page by page."""
        page = await self.pairs_page(*statuses, min_score=min_score)
        for pair in page.pairs:
            yield pair
        while page.next_cursor is not None:
            page = await self.pairs_page(*statuses, min_score=min_score, cursor=page.next_cursor)
            for pair in page.pairs:
                yield pair

    async def pairs_page(self, *statuses: str, **wanted: Unpack[PairsQuery]) -> Pairs:
        """Return one page of pairs; `PairsQuery` has the options.

        With *updated_since* the pages are a feed of changes: keep the last cursor, and continue
        with it later.
        """
        return await self._send(self._calls.pairs(statuses, wanted))

    async def actions(
        self, after: str | None = None, *, state: str = "open", limit: int = 100
    ) -> Actions:
        """Return a page of actions, which the forum is to carry out, the oldest first."""
        return await self._send(self._calls.actions(after=after, state=state, limit=limit))

    async def confirm(self, action_id: str, state: str, reason: str | None = None) -> None:
        """Report the *state* of an action: ``applied``, ``failed`` or ``reverted``."""
        await self._send(self._calls.confirm(action_id, state, reason))

    async def _send(self, call: Call[T]) -> T:
        retry, tried = self._retry if call.is_repeated else NEVER, 1
        while True:
            try:
                return await self._try(call)
            except AskedBeforeError as error:
                pause_s = retry.pause_s(error, tried=tried)
                if pause_s is None:
                    raise
            await self._sleep(pause_s)
            tried += 1

    async def _try(self, call: Call[T]) -> T:
        try:
            response = await self._http.request(
                call.method, call.path, json=call.json, params=call.params
            )
        except httpx.RequestError as error:
            raise no_answer(error) from error
        return result(call, response)
