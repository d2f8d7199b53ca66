"""One turn of the delivery: the outbox, what people reopened, and the actions that are due."""

from askedbefore_client import AskedBeforeError, Client, ProblemError

from askedbefore_django.acting import act_some
from askedbefore_django.lease import lease
from askedbefore_django.sending import AT_ONCE, send_some

LONGEST_PAUSE_S = 60.0
_TURNS = 10
"""Batches in one turn, so that the lease is given back in time."""


def turn(client: Client) -> tuple[int, int]:
    """Send and act once; return the numbers of sent questions and of carried out actions.

    Both are 0 if another process has the lease. Raises `AskedBeforeError`: then the next turn sends
    the same again.
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
    """Return the seconds to wait after an error: those of ``Retry-After``, or more each time."""
    asked = error.retry_after_s if isinstance(error, ProblemError) else None
    grown = min(interval_s * 2.0 ** min(failures, 10), LONGEST_PAUSE_S)
    return max(asked, interval_s) if asked is not None else grown
