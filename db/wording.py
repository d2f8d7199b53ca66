"""Counts in words, for people: 1 question, 2 questions."""


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return *count* with the noun that fits it; *many* is *one* with an s where it is not given.

    More than one word may follow the number: ``counted(1, "pair is new", "pairs are new")``.
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
