"""The parts of questions that a forum excludes: prefixes of titles, and boilerplate.

A pattern is a literal text in which ``*`` matches anything up to the end of the line, at most
`_GAP` characters. Its parts are searched one after the other, and only `_TRIES` times without
success. So the time is bounded for every pattern. Questions are stored and shown as they were sent:
only the models and the comparison of texts leave these parts out.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from db.errors import InvalidInputError
from worker.text.normal import MODEL_TEXT_LENGTH, clean, is_blank

PATTERNS, PATTERN_LENGTH = 50, 500
_GAP, _TRIES = 200, 200
"""Characters that ``*`` matches at most, and failed tries of a pattern in one text, at most."""
_FEWEST = 3
"""Letters and digits that a boilerplate pattern needs: fewer would match everywhere."""
_AFTER_PREFIX = " \t:-\u2013\u2014|"
_READ = 4 * MODEL_TEXT_LENGTH
"""Characters of a body without its boilerplate that are stored: more than the models read."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """What is cut from the questions of one forum before they are read."""

    prefixes: tuple[str, ...] = ()
    boilerplate: tuple[tuple[re.Pattern[str], ...], ...] = ()
    """The literal parts of each pattern, in order."""

    @classmethod
    def of(cls, prefixes: Sequence[str], boilerplate: Sequence[str]) -> Self:
        """Return the cuts for a forum's settings."""
        folded = sorted((clean(one).casefold() for one in prefixes), key=len, reverse=True)
        return cls(tuple(folded), tuple(map(_parts, boilerplate)))

    def title(self, title: str) -> str:
        """Return *title* without the cut parts, or unchanged if nothing visible would remain."""
        left = title
        while length := next(filter(None, (_begins(left, one) for one in self.prefixes)), 0):
            left = left.lstrip()[length:].lstrip(_AFTER_PREFIX)
        left = self.body(left).strip()
        return title if is_blank(left) else left

    def body(self, body: str) -> str:
        """Return *body* without the forum's boilerplate."""
        for parts in self.boilerplate:
            body = _without(body, parts)
        return body

    def read(self, title: str, body: str) -> tuple[str | None, str | None]:
        """Return the title and body without the cut parts; None if nothing is cut."""
        if self is NO_CUTS:
            return None, None
        cut_title, cut_body = self.title(title), self.body(body)
        return (
            None if cut_title == title else cut_title,
            None if cut_body == body else cut_body.strip()[:_READ] or " ",
        )


NO_CUTS = Cuts()


def cuts_of(prefixes: Sequence[str], boilerplate: Sequence[str]) -> Cuts:
    """Return the cuts of a forum with these settings."""
    return _cached(tuple(prefixes), tuple(boilerplate)) if prefixes or boilerplate else NO_CUTS


@functools.lru_cache(maxsize=256)
def _cached(prefixes: tuple[str, ...], boilerplate: tuple[str, ...]) -> Cuts:
    return Cuts.of(prefixes, boilerplate)


def _parts(pattern: str) -> tuple[re.Pattern[str], ...]:
    literal = filter(None, clean(pattern).split("*"))
    return tuple(re.compile(re.escape(one), re.IGNORECASE) for one in literal)


def _begins(title: str, prefix: str) -> int:
    """Return how many characters of *title*, without leading space, are *prefix*.

    0 if it begins otherwise, or if no word ends there. Folded text may be longer: ß becomes ss.
    """
    left, folded, length = title.lstrip(), "", 0
    while len(folded) < len(prefix) and prefix.startswith(folded) and length < len(left):
        folded += left[length].casefold()
        length += 1
    is_within_word = left[length : length + 1].isalnum() and prefix[-1:].isalnum()
    return length if folded == prefix and not is_within_word else 0


def _without(text: str, parts: Sequence[re.Pattern[str]]) -> str:
    """Return *text* without the places where *parts* follow each other in one line."""
    kept, place, failed = list[str](), 0, 0
    while failed < _TRIES and (found := parts[0].search(text, place)):
        end = _end(text, found.end(), parts[1:])
        if end is None:
            failed += 1
            kept.append(text[place : found.end()])
            place = found.end()
        else:
            kept.append(text[place : found.start()])
            place = end
    kept.append(text[place:])
    return "".join(kept) if kept[1:] else text


def _end(text: str, place: int, parts: Sequence[re.Pattern[str]]) -> int | None:
    for part in parts:
        line_end = text.find("\n", place, place + _GAP)
        # A part may have several lines itself, but the gap before it must be in one line.
        found = part.search(text, place, place + _GAP + len(part.pattern))
        if found is None or found.start() > place + _GAP or 0 <= line_end < found.start():
            return None
        place = found.end()
    return place


def check_prefix(text: str) -> str:
    """Return a usable prefix; raises `InvalidInputError`."""
    if not text.strip() or len(text) > PATTERN_LENGTH:
        raise InvalidInputError(f"a prefix must have 1 to {PATTERN_LENGTH} characters")
    return text.strip()


def check_boilerplate(text: str) -> str:
    """Return a usable pattern of boilerplate; raises `InvalidInputError`."""
    letters = sum(char.isalnum() for char in text)
    if letters < _FEWEST or len(text) > PATTERN_LENGTH:
        raise InvalidInputError(
            f"boilerplate must have at least {_FEWEST} letters and at most {PATTERN_LENGTH}"
            " characters; * stands for anything up to the end of the line"
        )
    return text.strip()
