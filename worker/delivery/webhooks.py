"""Delivers events to webhooks, signed by the Standard Webhooks scheme, with retries.

A delivery is claimed, sent outside any transaction, and its result recorded. If the worker dies in
between, the delivery becomes due again, so a receiver may get the same ``webhook-id`` twice.
"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus

import httpx2
import structlog
from standardwebhooks import Webhook

from db.engine import Sessions
from db.errors import InvalidInputError
from db.outbox import webhooks
from db.outbox.webhooks import Due
from worker.delivery.addresses import resolve

RETRIES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 60, 5 * 60, 30 * 60, 2 * 3600, 8 * 3600)
)
"""How long to wait after each failed attempt; after the last one a delivery is given up."""
TIMEOUT_S = 5.0
AT_ONCE = 8
"""Deliveries made side by side: a slow receiver holds nobody up for longer than the time-out."""
_SUCCESS = range(200, 300)
_AGENT = "askedbefore-webhooks/1"

log = structlog.get_logger()


class Courier:
    """Delivers in a thread of its own: receivers may be slow, and questions must not wait."""

    def __init__(self, sessions: Sessions, *, allow_private: bool) -> None:
        self._sessions = sessions
        self._allow_private = allow_private
        self._round: threading.Thread | None = None

    def start(self) -> None:
        """Make the due deliveries, unless a round is running already."""
        if self._round is None or not self._round.is_alive():
            self._round = threading.Thread(target=self._deliver, name="webhooks", daemon=True)
            self._round.start()

    def _deliver(self) -> None:
        while deliver_due(self._sessions, allow_private=self._allow_private):
            pass


def deliver_due(sessions: Sessions, *, allow_private: bool = False) -> int:
    """Make the due deliveries, up to `AT_ONCE`, and return how many attempts were made."""
    with sessions.begin() as session:
        claimed = webhooks.claim_due(session, limit=AT_ONCE)
    if not claimed:
        return 0
    with (
        httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
        ThreadPoolExecutor(len(claimed)) as threads,
    ):
        attempt = partial(_attempt, client, allow_private=allow_private)
        outcomes = list(threads.map(attempt, claimed))
    for due, (answer, error) in zip(claimed, outcomes, strict=True):
        _note(sessions, due, answer, error)
    return len(claimed)


def _note(sessions: Sessions, due: Due, answer: int | None, error: str) -> None:
    log.info("webhook.attempted", delivery_id=due.id, answer=answer, attempt=due.attempts)
    with sessions.begin() as session:
        if answer is not None and answer in _SUCCESS:
            webhooks.record_success(session, due, answer=answer)
        elif answer == HTTPStatus.GONE:
            webhooks.record_failure(session, due, answer=answer, error=error, retry_in=None)
            webhooks.disable(session, due.webhook_id, notice="switched off: it answered 410 Gone")
        else:
            webhooks.record_failure(
                session, due, answer=answer, error=error, retry_in=retry_after(due.attempts)
            )


def retry_after(attempts: int) -> timedelta | None:
    """Return how long to wait after this many attempts, or None to give up."""
    return RETRIES[attempts - 1] if attempts <= len(RETRIES) else None


def _attempt(client: httpx2.Client, due: Due, *, allow_private: bool) -> tuple[int | None, str]:
    try:
        target = resolve(due.url, allow_private=allow_private)
        body = message(due)
        request = client.build_request(
            "POST",
            target.pinned_url,
            content=body,
            headers={**signed(due, body, datetime.now(UTC)), "Host": target.host_header},
            extensions={"sni_hostname": target.host},
        )
        response = client.send(request, stream=True)  # what it says back is never read
        response.close()
    except (httpx2.HTTPError, InvalidInputError, OSError) as error:
        return None, f"{type(error).__name__}: {error}"
    return response.status_code, f"it answered {response.status_code}"


def message(due: Due) -> str:
    """Return the body of a delivery."""
    content = {"type": due.kind, "timestamp": due.happened_at.isoformat(), "data": due.data}
    return json.dumps(content)


def signed(due: Due, body: str, now: datetime) -> dict[str, str]:
    """Return the headers of a delivery: id, time, and the signature over both and *body*."""
    message_id = f"msg_{due.id}"
    return {
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(due.secret).sign(message_id, now, body),
    }
