"""Counts and states in words, for people: 1 question, 2 questions; not the same."""

from collections.abc import Mapping

from db.rows import PairStatus

STATUS_WORDS: Mapping[str, str] = {
    status.value: "not the same" if status is PairStatus.NOT_DUPLICATE else status.replace("_", " ")
    for status in PairStatus
}
"""What people call the status of a pair, and the decision that gave it."""


def counted(count: int, one: str, many: str | None = None, *, limit: int | None = None) -> str:
    """Return *count* with the noun that fits it; without *many* it is *one* with an s.

    More than one word may follow the number: ``counted(1, "pair is new", "pairs are new")``. A
    count above *limit* is shown as the limit and a plus: ``10,000+ pairs``.
    """
    noun = one if count == 1 else many or f"{one}s"
    return f"{limit:,}+ {noun}" if limit is not None and count > limit else f"{count:,} {noun}"
