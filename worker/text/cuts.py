"""What a forum says does not count in its questions: prefixes of titles, and boilerplate.

A pattern is a literal text in which ``*`` stands for anything up to the end of the line, at most
`_GAP` characters. Parts are found one after the other, and only so many places are tried in vain:
the time is bounded, whatever the forum wrote. What is stored and shown stays as it was sent: only
the models and the comparison of texts read it without these parts.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from db.errors import InvalidInputError
from worker.text.normal import MODEL_TEXT_LENGTH, is_blank

PATTERNS, PATTERN_LENGTH = 50, 500
_GAP, _TRIES = 200, 200
"""Characters for which ``*`` may stand, and places at which a pattern is tried in vain."""
_FEWEST = 3
"""Letters and digits of a pattern of boilerplate: fewer would be found everywhere."""
_AFTER_PREFIX = " \t:-\u2013\u2014|"
_READ = 4 * MODEL_TEXT_LENGTH
"""Characters of a body that are kept beside it without its boilerplate: more than models read."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """What is cut from the questions of one forum before they are read."""

    prefixes: tuple[str, ...] = ()
    boilerplate: tuple[tuple[re.Pattern[str], ...], ...] = ()
    """For each pattern its literal parts, in order."""

    @classmethod
    def of(cls, prefixes: Sequence[str], boilerplate: Sequence[str]) -> Self:
        """Return the cuts of a forum's settings."""
        folded = sorted((one.casefold() for one in prefixes), key=len, reverse=True)
        return cls(tuple(folded), tuple(map(_parts, boilerplate)))

    def title(self, title: str) -> str:
        """Return a title without what does not count; never an empty one."""
        left = title
        while found := next((one for one in self.prefixes if _begins(left, one)), None):
            left = left.lstrip()[len(found) :].lstrip(_AFTER_PREFIX)
        left = self.body(left).strip()
        return title if is_blank(left) else left

    def body(self, body: str) -> str:
        """Return a body without the forum's boilerplate."""
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
    literal = filter(None, pattern.split("*"))
    return tuple(re.compile(re.escape(one), re.IGNORECASE) for one in literal)


def _begins(title: str, prefix: str) -> bool:
    """Return whether a title begins with a prefix, and with the end of a word behind it."""
    left = title.lstrip()
    if left[: len(prefix)].casefold() != prefix:
        return False
    rest = left[len(prefix) :]
    return not (rest[:1].isalnum() and prefix[-1:].isalnum())


def _without(text: str, parts: Sequence[re.Pattern[str]]) -> str:
    """Return *text* without every place where *parts* stand one behind the other in a line."""
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
        # A part may itself go over several lines: only the gap before it must not.
        found = part.search(text, place, place + _GAP + len(part.pattern))
        if found is None or (0 <= line_end < found.start()):
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
