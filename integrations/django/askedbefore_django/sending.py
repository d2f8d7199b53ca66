"""Sends the outbox to the service. Call it only with the lease."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from askedbefore_client import Client, NotFoundError, ProblemError

from askedbefore_django.acting import note_reopened
from askedbefore_django.models import Change
from askedbefore_django.sources import Source, sources

AT_ONCE = 100


@dataclass(slots=True)
class _Group:
    """All changes of one question."""

    path: str
    source: Source
    key: str
    rows: list[int] = field(default_factory=list)
    check_id: str = ""


def send_some(client: Client) -> int:
    """Send the oldest changes and return the number of their questions.

    A change leaves the outbox only after the service has answered. Raises `AskedBeforeError`.
    """
    groups = _waiting()
    found = _find(groups)
    there = {id(group) for group, _ in found}
    for one in groups:
        if id(one) not in there:
            _erase(client, one)
    for group, row in found:
        note_reopened(group.path, group.source, row)
    _submit(client, found)
    return len(groups)


def _waiting() -> list[_Group]:
    rows = Change.objects.filter(refused="").order_by("id")[:AT_ONCE]
    groups: dict[tuple[str, str], _Group] = {}
    for row in rows:
        source = sources().get(row.source)
        if source is None:
            Change.objects.filter(pk=row.pk).update(
                refused=f"ASKEDBEFORE['SOURCES'] does not name {row.source} any more"
            )
            continue
        group = groups.setdefault(
            (row.source, row.object_id), _Group(row.source, source, row.object_id)
        )
        group.rows.append(row.pk)
        group.check_id = group.check_id or row.check_id
    return list(groups.values())


_Found = list[tuple[_Group, Any]]
"""Groups with their questions. The questions are read after the rows of the outbox."""


def _find(groups: Sequence[_Group]) -> _Found:
    found: _Found = []
    for source in {id(one.source): one.source for one in groups}.values():
        ours = [one for one in groups if one.source is source]
        rows = source.queryset().in_bulk([one.key for one in ours])
        by_key = {str(key): row for key, row in rows.items()}
        found.extend((one, by_key[one.key]) for one in ours if one.key in by_key)
    return found


def _erase(client: Client, group: _Group) -> None:
    try:
        client.delete(group.source.id_of(group.key))
    except NotFoundError:
        # If the key does not know the forum, every question is "not found": then this call raises,
        # and the outbox is kept.
        client.pairs_page(limit=1)
    Change.objects.filter(pk__in=group.rows).delete()


def _submit(client: Client, found: _Found) -> None:
    items = client.batch(group.source.question(row) for group, row in found)
    for (group, _), item in zip(found, items, strict=True):
        rows = Change.objects.filter(pk__in=group.rows)
        if item.errors:
            rows.update(refused="; ".join(map(str, item.errors)))
        else:
            _tell_posted(client, group)
            rows.delete()


def _tell_posted(client: Client, group: _Group) -> None:
    """Report which question was posted after a check."""
    if not group.check_id:
        return
    question_id = group.source.id_of(group.key)
    try:
        client.outcome(group.check_id, "posted", question_id=question_id)
    except ProblemError as error:  # the check is too old, or somebody has changed the field
        if error.is_temporary:
            raise
