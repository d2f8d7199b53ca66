"""Sends a forum's whole archive, page by page, from where it stopped."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from askedbefore_client import BatchItem, Client

from askedbefore_django.lease import lease
from askedbefore_django.models import Mark
from askedbefore_django.sources import Source

_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Page:
    """The result of sending one page of questions."""

    read: int
    stored: int
    refused: tuple[BatchItem, ...]


def pages(client: Client, path: str, source: Source, *, size: int) -> Iterator[Page]:
    """Send the questions of a source in the order of their keys; raises `AskedBeforeError`.

    After each page its last key is saved, so a second call continues after it.
    """
    mark, _ = Mark.objects.get_or_create(name=mark_of(path))
    while True:
        rows = source.queryset().order_by("pk")
        with (
            _turn()
        ):  # with the lease, no other process sends a newer text between reading and sending
            page = list((rows.filter(pk__gt=mark.value) if mark.value else rows)[:size])
            if not page:
                mark.delete()
                return
            items = client.batch(source.question(row) for row in page)
        mark.value = str(page[-1].pk)
        mark.save()
        refused = tuple(item for item in items if item.errors)
        yield Page(len(page), len(page) - len(refused), refused)


def mark_of(path: str) -> str:
    """Return the name of the `Mark` that has the progress of a source."""
    return f"backfill {path}"


@contextmanager
def _turn() -> Iterator[None]:
    while True:
        with lease() as held:
            if held is not None:
                yield
                return
        time.sleep(_LOOK_S)
