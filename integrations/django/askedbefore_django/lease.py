"""One sender at a time, whatever number of processes a forum runs."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from askedbefore_django.models import Mark

LEASE = timedelta(seconds=120)
"""Longer than one batch may take. After this time the lease of a killed process is free."""
_NAME = "sender"


class Lease:
    """The right to send, of one process."""

    def __init__(self) -> None:
        self._me = uuid.uuid4().hex

    def take(self) -> bool:
        """Return whether nobody else has it; if so, this process has it now."""
        Mark.objects.get_or_create(name=_NAME)
        free = Q(until=None) | Q(until__lt=timezone.now())
        return self._write(free)

    def renew(self) -> bool:
        """Return whether this process still has it, from now on for the whole time again."""
        return self._write(Q(value=self._me))

    def give_back(self) -> None:
        """Let others have it."""
        Mark.objects.filter(name=_NAME, value=self._me).update(until=None)

    def _write(self, who: Q) -> bool:
        values = {"value": self._me, "until": timezone.now() + LEASE}
        return bool(Mark.objects.filter(who, name=_NAME).update(**values))


@contextmanager
def lease() -> Iterator[Lease | None]:
    """Give the lease for the block, or None if another process has it."""
    ours = Lease()
    is_ours = ours.take()
    try:
        yield ours if is_ours else None
    finally:
        if is_ours:
            ours.give_back()
