"""What a page has seen of the changes to pairs, so that it is told the rest and each only once.

Events get their ids before they are committed, so that an event may appear after a later one was
told. "All up to the last one" is therefore not enough: the last thousand ids are kept one by one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from db.review import insight

LOOK_BACK = 1_000
"""Ids before the last one seen that are looked at again: more than one bulk decision has."""
_WRITTEN = re.compile(rf"([0-9]{{1,18}})\.([0-9a-f]{{1,{LOOK_BACK // 4}}})")


@dataclass(frozen=True, slots=True)
class Seen:
    """The last event seen, and which of the `LOOK_BACK` ids up to it were seen."""

    last: int
    ids: frozenset[int] = frozenset()

    @property
    def since(self) -> int:
        """Return the id after which events are looked for."""
        return self.last - LOOK_BACK

    def plus(self, ids: Iterable[int]) -> "Seen":
        """Return what is seen when these events are seen too."""
        every = self.ids.union(ids)
        last = max([self.last, *every])
        return Seen(last, frozenset(one for one in every if one > last - LOOK_BACK))

    def __str__(self) -> str:
        """Return it as `read_seen` reads it: the last id, and a bit for each id before it."""
        bits = sum(1 << (self.last - one) for one in self.ids)
        return f"{self.last}.{bits:x}"


def read_seen(text: str) -> Seen | None:
    """Return what a page says it has seen, or None if that cannot be read."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    last, bits = int(found[1]), int(found[2], 16)
    ids = (last - place for place in range(bits.bit_length()) if bits >> place & 1)
    return Seen(last, frozenset(ids))


def seen_now(session: Session, forum_id: int) -> Seen:
    """Return all changes up to now as seen; read it before the pairs that the page shows."""
    last = insight.last_event(session, forum_id)
    return Seen(last).plus(insight.change_ids(session, forum_id, last - LOOK_BACK))
