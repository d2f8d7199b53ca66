"""A moving window over a text: reads documents and dumps of any length in bounded memory."""

import codecs
import re
from typing import BinaryIO

from worker.archives.readers.records import RECORD_LIMIT, UnreadableArchiveError

CHUNK = 1 << 18
# Possessive: trying a match again would cost memory for each character.
_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_PLAIN = re.compile(r'[^"\[\]{}]*+')
_OPENING, _CLOSING = re.compile(r"[\[{]*+"), re.compile(r"[\]}]*+")
_SCALAR = re.compile(r'[^"\[\]{}\s,]*+')


class Window:
    """A window that moves over a document's text; ``place`` is the position of reading."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text, self.place, self.line = "", 0, 1
        self._before = 0

    @property
    def offset(self) -> int:
        """Return how many characters of the document are before the place of reading."""
        return self._before + self.place

    @property
    def is_used_up(self) -> bool:
        """Return whether the window has been read to its end."""
        return self.place == len(self.text)

    def more(self) -> bool:
        """Read more and return whether there was any."""
        data = self._file.read(CHUNK)
        self._before += self.place
        self.text = self.text[self.place :] + self._decoder.decode(data, final=not data)
        self.place = 0
        return bool(data)

    def move(self, place: int) -> None:
        """Move to *place*."""
        self.line += self.text.count("\n", self.place, place)
        self.place = place

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Move past all that *pattern* matches, and return whether any text is left."""
        while True:
            if found := pattern.match(self.text, self.place):
                self.move(found.end())
            if not self.is_used_up:
                return True
            if not self.more():
                return False

    def pass_over(self, mark: str) -> bool:
        """Move past *mark* if it comes next, and return whether it does."""
        found = self.text.startswith(mark, self.place)
        if found:
            self.move(self.place + len(mark))
        return found

    def ahead(self, length: int) -> bool:
        """Read until *length* characters are in the window; return whether any came."""
        parts = [self.text[self.place :]]
        held = before = len(parts[0])
        while held < length and (data := self._file.read(CHUNK)):
            parts.append(self._decoder.decode(data))
            held += len(parts[-1])
        self._before += self.place
        self.text, self.place = "".join(parts), 0
        return held > before

    def take_value(self) -> tuple[str | None, int]:
        """Move past the value that begins here; return its text, None if too long, and its length.

        Raises `UnreadableArchiveError` if the file ends inside the value.
        """
        parts: list[str] = []
        length, state = 0, Scan()
        while True:
            end = state.advance(self.text, self.place)
            length += end - self.place
            if length <= RECORD_LIMIT:
                parts.append(self.text[self.place : end])
            else:
                parts.clear()
            self.move(end)
            if state.is_over:
                return ("".join(parts) if length <= RECORD_LIMIT else None), length
            if not self.more():
                raise UnreadableArchiveError(f"line {self.line}: the file ends inside a value")


class Scan:
    """Finds the end of a JSON value, piece by piece, without decoding it."""

    def __init__(self) -> None:
        self.depth, self.in_string, self.is_over = 0, False, False

    def advance(self, text: str, place: int) -> int:
        """Return the place up to which *text* belongs to the value, from *place* on."""
        while place < len(text) and not self.is_over:
            if self.in_string:
                place = self._through_string(text, place)
                if self.in_string:  # it continues in the next piece
                    break
            elif text[place] == '"':
                self.in_string = True
                place += 1
            elif text[place] in "[{":
                begin, place = place, _end_of(_OPENING, text, place)
                self.depth += place - begin
            elif not self.depth:
                place = self._through_scalar(text, place)
            elif text[place] in "]}":
                closed = min(_end_of(_CLOSING, text, place) - place, self.depth)
                self.depth -= closed
                self.is_over = not self.depth
                place += closed
            else:
                place = _end_of(_PLAIN, text, place)
        return place

    def _through_string(self, text: str, place: int) -> int:
        place = _end_of(_STRING, text, place)
        if not text.startswith('"', place):
            return place
        self.in_string = False
        self.is_over = not self.depth
        return place + 1

    def _through_scalar(self, text: str, place: int) -> int:
        place = _end_of(_SCALAR, text, place)
        self.is_over = place < len(text)
        return place


def _end_of(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place
