"""Decides whether a failed call is made again, and after which pause."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from askedbefore_client.errors import AskedBeforeError, ProblemError

_JITTER = 0.25
_DOUBLED_AT_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a call is made, and how long the pauses are.

    With the header ``Retry-After``, a pause is that time and up to a quarter more, so that many
    callers do not come back at the same moment; if that time is longer than *longest_pause_s*, the
    call is not made again. Without the header, a pause is 50 to 100 % of *first_pause_s*, which is
    doubled after each try up to *longest_pause_s*.
    """

    tries: int = 4
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0

    def pause_s(
        self,
        error: AskedBeforeError,
        *,
        tried: int,
        draw: Callable[[], float] = random.random,
    ) -> float | None:
        """Return the seconds to wait after *tried* calls, or None to give up."""
        if not error.is_temporary or tried >= self.tries:
            return None
        asked = error.retry_after_s if isinstance(error, ProblemError) else None
        if asked is not None:
            pause = asked * (1 + _JITTER * draw())
            return pause if asked <= self.longest_pause_s else None
        doubled = min(tried - 1, _DOUBLED_AT_MOST)  # a float holds no more
        grown = min(self.first_pause_s * 2.0**doubled, self.longest_pause_s)
        return float(grown * (1 + draw()) / 2)


NEVER = Retry(tries=1)


def seconds(header: str | None, *, now: datetime | None = None) -> float | None:
    """Return the seconds of a ``Retry-After`` (a number or a date); None if it is neither."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
