"""Which words of two texts differ. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
TOKEN_LIMIT = 600
"""Two texts with more tokens than this together are not aligned: it would take too long."""


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a text that is in both texts, or only in this one."""

    text: str
    is_own: bool


def mark_words(one: str, other: str) -> tuple[list[Run], list[Run]]:
    """Return both texts as runs; the runs of a text, joined, are the text.

    Case is ignored, and spaces and punctuation never count as different.
    """
    first, second = _TOKEN.findall(one), _TOKEN.findall(other)
    if len(first) + len(second) > TOKEN_LIMIT:
        return [Run(one, is_own=False)], [Run(other, is_own=False)]
    words, others = _words(first), _words(second)
    own, own_other = set(words), set(others)
    matcher = SequenceMatcher(
        None, [first[i].casefold() for i in words], [second[i].casefold() for i in others], False
    )
    for block in matcher.get_matching_blocks():
        own -= set(words[block.a : block.a + block.size])
        own_other -= set(others[block.b : block.b + block.size])
    return _runs(first, own), _runs(second, own_other)


def _words(tokens: Sequence[str]) -> list[int]:
    return [place for place, token in enumerate(tokens) if token[0].isalnum() or token[0] == "_"]


def _runs(tokens: Sequence[str], own: set[int]) -> list[Run]:
    runs: list[Run] = []
    for place, token in enumerate(tokens):
        # A space between two different words is marked too: one mark, not two.
        is_own = place in own or (token.isspace() and {place - 1, place + 1} <= own)
        if runs and runs[-1].is_own == is_own:
            runs[-1] = Run(runs[-1].text + token, is_own)
        else:
            runs.append(Run(token, is_own))
    return runs
