"""The lease: only one process of a forum sends and acts at a time."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from askedbefore_django.models import Mark

LEASE = timedelta(seconds=120)
"""Longer than a batch takes. After this time the lease of a killed process is free again."""
_NAME = "sender"


class Lease:
    """The right of one process to send and to act."""

    def __init__(self) -> None:
        self._me = uuid.uuid4().hex

    def take(self) -> bool:
        """Take the lease if no other process has it, and return whether this process has it now."""
        Mark.objects.get_or_create(name=_NAME)
        free = Q(until=None) | Q(until__lt=timezone.now())
        return self._write(free)

    def renew(self) -> bool:
        """Extend the lease to the full time, and return whether this process still has it."""
        return self._write(Q(value=self._me))

    def give_back(self) -> None:
        """End the lease, so that another process can take it."""
        Mark.objects.filter(name=_NAME, value=self._me).update(until=None)

    def _write(self, who: Q) -> bool:
        values = {"value": self._me, "until": timezone.now() + LEASE}
        return bool(Mark.objects.filter(who, name=_NAME).update(**values))


@contextmanager
def lease() -> Iterator[Lease | None]:
    """Yield the lease for the block, or None if another process has it."""
    ours = Lease()
    is_ours = ours.take()
    try:
        yield ours if is_ours else None
    finally:
        if is_ours:
            ours.give_back()
