"""One turn of the delivery: the outbox, what people reopened, and the actions that are due."""

from askedbefore_client import AskedBeforeError, Client, ProblemError

from askedbefore_django.acting import act_some
from askedbefore_django.lease import lease
from askedbefore_django.sending import AT_ONCE, send_some

LONGEST_PAUSE_S = 60.0
_TURNS = 10
"""Batches in one turn, so that the lease is given back in time."""


def turn(client: Client) -> tuple[int, int]:
    """Do what is to be done; return how many questions were sent and actions carried out.

    Both are 0 if another process does it. Raises `AskedBeforeError`; nothing is lost then.
    """
    with lease() as held:
        sent = 0
        for _ in range(_TURNS):
            if held is None or not held.renew():
                return sent, 0
            count = send_some(client)
            sent += count
            if count < AT_ONCE // 2:
                break
        return sent, act_some(client)


def pause_s(error: AskedBeforeError, *, failures: int, interval_s: float) -> float:
    """Return how long to wait after an error: what the service asked for, or longer each time."""
    asked = error.retry_after_s if isinstance(error, ProblemError) else None
    grown = min(interval_s * 2.0 ** min(failures, 10), LONGEST_PAUSE_S)
    return max(asked, interval_s) if asked is not None else grown
