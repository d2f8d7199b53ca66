"""Delivers events to webhooks, signed by the Standard Webhooks scheme, with retries.

A delivery is claimed, sent outside any transaction, and its result recorded. If the worker dies in
between, the delivery becomes due again, so a receiver may get the same ``webhook-id`` twice. Every
error in an attempt is recorded as its result. A webhook and a forum have a limited number of
deliveries at the same time, and each delivery has a time limit. So a slow or broken receiver does
not delay others.
"""

import json
import ssl
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, partial
from http import HTTPStatus

import anyio
import httpx2
import structlog
from anyio import to_thread
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from db.engine import FAILURES, Sessions
from db.outbox import deliveries, webhooks
from db.outbox.deliveries import Busy, Due
from worker.delivery.addresses import resolve

RETRIES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 60, 5 * 60, 30 * 60, 2 * 3600, 8 * 3600)
)
"""The waits after the failed attempts. If the attempt after the last wait fails, the delivery is
given up.
"""
AT_ONCE, PER_FORUM, PER_WEBHOOK = 16, 4, 2
"""Deliveries at the same time: in all, of one forum, to one webhook."""
TIMEOUT_S = 5.0
"""Longest wait, in seconds, for a connection and for the next bytes of an answer."""
DEADLINE_S = 10.0
"""Longest attempt in seconds, from resolving the name to the end of the answer's headers."""
_LOOK_S = 1.0
_NOTE_TRIES = 3
_SUCCESS = range(200, 300)
_ASKS_FOR_REST = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_AGENT = "askedbefore-webhooks/1"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an attempt: an answer's status, or only an error."""

    answer: int | None = None
    error: str
    rest_s: int = 0
    """Seconds for which the receiver asked not to be called."""


class Courier:
    """Delivers in a thread of its own, so that slow receivers do not delay questions."""

    def __init__(self, sessions: Sessions, *, allow_private: bool) -> None:
        self._sessions = sessions
        self._allow_private = allow_private
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Send due deliveries, unless the thread is running."""
        if self._thread is None or not self._thread.is_alive():
            deliver = partial(deliver_due, self._sessions, allow_private=self._allow_private)
            self._thread = threading.Thread(target=deliver, name="webhooks", daemon=True)
            self._thread.start()


@cache
def _certificates() -> ssl.SSLContext:
    """Return what verifies receivers; reading it takes longer than looking whether any is due."""
    return httpx2.create_ssl_context(trust_env=False)


def deliver_due(sessions: Sessions, *, allow_private: bool = False) -> int:
    """Deliver until nothing is due, and return how many attempts were made."""
    return anyio.run(_Deliveries(sessions, allow_private=allow_private).run)


class _Deliveries:
    """The deliveries that are being made."""

    def __init__(self, sessions: Sessions, *, allow_private: bool) -> None:
        self._sessions = sessions
        self._allow_private = allow_private
        self._busy: list[Due] = []
        self._change = anyio.Event()
        self._made = 0

    async def run(self) -> int:
        """Claim and deliver while anything is due or under way; return how many were made."""
        async with (
            httpx2.AsyncClient(
                timeout=TIMEOUT_S, trust_env=False, verify=_certificates()
            ) as client,
            anyio.create_task_group() as tasks,
        ):
            while True:
                self._change = anyio.Event()
                claimed = await to_thread.run_sync(self._claim)
                self._busy += claimed
                for due in claimed:
                    tasks.start_soon(self._deliver, client, due)
                if not self._busy:
                    break
                with anyio.move_on_after(_LOOK_S):
                    await self._change.wait()
        return self._made

    def _claim(self) -> list[Due]:
        busy = Busy(
            webhooks=Counter(due.webhook_id for due in self._busy),
            forums=Counter(due.forum_id for due in self._busy),
            per_webhook=PER_WEBHOOK,
            per_forum=PER_FORUM,
        )
        try:
            with self._sessions.begin() as session:
                limit = AT_ONCE - len(self._busy)
                return deliveries.claim_due(session, limit=limit, busy=busy) if limit else []
        except FAILURES as error:  # the running attempts must still be noted
            log.warning("webhook.not_claimed", error=type(error).__name__)
            return []

    async def _deliver(self, client: httpx2.AsyncClient, due: Due) -> None:
        try:
            outcome = await self._attempt(client, due)
            log.info(
                "webhook.attempted",
                delivery_id=due.id,
                answer=outcome.answer,
                attempt=due.attempts,
            )
            await self._note(due, outcome)
        finally:
            self._made += 1
            self._busy.remove(due)
            self._change.set()

    async def _attempt(self, client: httpx2.AsyncClient, due: Due) -> Outcome:
        try:
            with anyio.fail_after(DEADLINE_S):
                return await self._send(client, due)
        except TimeoutError:
            return Outcome(error=f"TimeoutError: no answer within {DEADLINE_S:g} s")
        except Exception as error:  # noqa: BLE001  # every error is the attempt's result
            return Outcome(error=f"{type(error).__name__}: {error}")

    async def _send(self, client: httpx2.AsyncClient, due: Due) -> Outcome:
        look_up = partial(resolve, due.url, allow_private=self._allow_private)
        # A thread that waits for the name service when the time is over is abandoned.
        target = await to_thread.run_sync(look_up, abandon_on_cancel=True)
        body = message(due)
        request = client.build_request(
            "POST",
            target.pinned_url,
            content=body,
            headers={**signed(due, body, datetime.now(UTC)), "Host": target.host_header},
            extensions={"sni_hostname": target.host},
        )
        response = await client.send(request, stream=True)  # the answer's body is never read
        await response.aclose()
        return Outcome(
            answer=response.status_code,
            error=f"it answered {response.status_code}",
            rest_s=rest_s(response.status_code, response.headers.get("retry-after", "")),
        )

    async def _note(self, due: Due, outcome: Outcome) -> None:
        for _ in range(_NOTE_TRIES):
            try:
                await to_thread.run_sync(self._write, due, outcome)
            except FAILURES as error:  # without the note it would be sent again
                log.warning("webhook.not_noted", delivery_id=due.id, error=type(error).__name__)
                await anyio.sleep(_LOOK_S)
            else:
                return

    def _write(self, due: Due, outcome: Outcome) -> None:
        with self._sessions.begin() as session:
            note(session, due, outcome)


def note(session: Session, due: Due, outcome: Outcome) -> None:
    """Record the result of an attempt, and its effects: done, tried again, or given up."""
    answer, error = outcome.answer, outcome.error
    if answer is not None and answer in _SUCCESS:
        deliveries.record_success(session, due, answer=answer)
    elif answer == HTTPStatus.GONE:
        deliveries.record_failure(session, due, answer=answer, error=error, retry_in=None)
        webhooks.disable(session, due.webhook_id, notice="switched off: it answered 410 Gone")
    else:
        wait = retry_after(due.attempts)
        if outcome.rest_s:
            webhooks.rest(session, due.webhook_id, seconds=outcome.rest_s)
            asked = min(timedelta(seconds=outcome.rest_s), webhooks.LONGEST_REST)
            wait = max(wait, asked) if wait is not None else None
        deliveries.record_failure(session, due, answer=answer, error=error, retry_in=wait)


def retry_after(attempts: int) -> timedelta | None:
    """Return how long to wait after this many attempts, or None to give up."""
    return RETRIES[attempts - 1] if attempts <= len(RETRIES) else None


def rest_s(answer: int, header: str, *, now: datetime | None = None) -> int:
    """Return for how many seconds an answer's ``Retry-After`` asks, 0 if it asks for none."""
    if answer not in _ASKS_FOR_REST:
        return 0
    if header.isascii() and header.isdigit():
        return int(header[:9])
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return 0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0, int((until - (now or datetime.now(UTC))).total_seconds()))


def message(due: Due) -> str:
    """Return the body of a delivery."""
    content = {"type": due.kind, "timestamp": due.happened_at.isoformat(), "data": due.data}
    return json.dumps(content)


def signed(due: Due, body: str, now: datetime) -> dict[str, str]:
    """Return the headers of a delivery: id, time, and the signatures over both and *body*."""
    message_id = f"msg_{due.id}"
    return {
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(
            Webhook(secret).sign(message_id, now, body) for secret in due.secrets
        ),
    }
