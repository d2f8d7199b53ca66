"""Reads JSON as code writes it: inside calls and assignments, with comments, loosely quoted.

It is changed into plain JSON while it is read, and keeps its lines. So these are read like JSON:
JSONP calls, a guard before the document, the output of JavaScript, Python and the MongoDB shell,
and JSON5. Plain JSON does not change.
"""

import io
import re
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, cast

from worker.archives.readers.containers.streams import LINE_LIMIT
from worker.archives.readers.records import RECORD_LIMIT, UnreadableArchiveError

_CHUNK = 1 << 18
_DEPTH = 1_000
_SKIPPED = r"(?:\s|//[^\n]*\n|/\*.*?\*/|\#[^\n]*\n)*+"
_GUARD = re.compile(rb"\s*(?:\)\]\}'?,?|while\s*\(1\);?|for\s*\(;;\);?)")
"""Sites put this before their answers, so that no other page can run them."""
_CODE = re.compile(
    rf"""{_SKIPPED}(?:["']use\ strict["'];?)?{_SKIPPED}
    (?:\)\]\}}'?,?|while\s*\(1\);?|for\s*\(;;\);?)?{_SKIPPED}
    (?:export\s+default|(?:var|let|const)\s+[\w$]+\s*=|[\w$.]+(?:\[[^\]\n]{{1,80}}\][\w$.]*)*\s*=
      |(?:typeof\s+[\w$.]+\s*===?\s*["']function["']\s*&&\s*)?[\w$.]*\(
      |[\w$.]+\s*&&\s*[\w$.]+\()?
    {_SKIPPED}(?P<begin>[\[{{])\s*(?:["'\[{{\]}}/]|[A-Za-z_$][\w$]*\s*:)""",
    re.VERBOSE | re.DOTALL,
)
_STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|$)', re.DOTALL)
_LOOSE = re.compile(
    r"//|/\*|,\s*[}\]]|[{,]\s*(?:[A-Za-z_$][\w$]*|'[^'\n]{0,200}')\s*:"
    r"|[:\[,]\s*(?:'|undefined\b|None\b|True\b|False\b|[A-Z]\w+\()"
)
"""Plain JSON has these only in its texts."""
_TOKEN = re.compile(
    rb"""(?P<space>\s++)
    |(?P<string>"(?:[^"\\]++|\\.)*+")
    |(?P<other_string>'(?:[^'\\]++|\\.)*+'|`(?:[^`\\]++|\\.)*+`)
    |(?P<comment>//[^\n]*+|/\*.*?\*/|\#[^\n]*+)
    |(?P<word>[A-Za-z_$][\w$.]*+|[-+.0-9][\w.+-]*+)
    |(?P<mark>[\[\]{}(),:;=])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb'\\(x[0-9a-fA-F]{2}|U[0-9a-fA-F]{8}|.)|["\x00-\x1f]', re.DOTALL)
_OF_JSON = b'"\\/bfnrtu'
_ESCAPES = {b"0": b"\\u0000", b"a": b"\\u0007", b"v": b"\\u000b", b"\n": b""}
_WORDS: Mapping[bytes, bytes] = {
    b"True": b"true", b"False": b"false", b"None": b"null", b"undefined": b"null",
}  # fmt: skip
_PREFIXES = frozenset({b"u", b"U", b"r", b"b"})
"""Letters that Python may write before a quote."""
_NO_INDEX = frozenset({b"default", b"return", b"exports"})


def is_code(head: str) -> bool:
    """Return whether a text that begins with *head* is code around a JSON document."""
    found = _CODE.match(head)
    return found is not None and bool(head[: found.start("begin")].strip())


def is_loose(head: str) -> bool:
    """Return whether a text that begins with *head* is JSON, but not plain JSON."""
    return is_code(head) or _LOOSE.search(_STRINGS.sub('""', head)) is not None


def opened(plain: Callable[[], BinaryIO], *, by_line: bool) -> BinaryIO:
    """Return the text that *plain* opens as plain JSON; with *by_line* each record is one line."""
    return cast("BinaryIO", io.BufferedReader(_Plain(plain(), by_line=by_line), _CHUNK))


class _Plain(io.RawIOBase):
    """Loose JSON, read as plain JSON."""

    def __init__(self, file: BinaryIO, *, by_line: bool) -> None:
        super().__init__()
        self._file, self._by_line = file, by_line
        self._tokens = Tokens()
        self._ready, self._is_over = b"", False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._is_over:
            self._ready = self._line() if self._by_line else self._piece()
        part, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def _piece(self) -> bytes:
        data = self._file.read(_CHUNK)
        self._is_over = not data
        return self._tokens.feed(data, final=not data)

    def _line(self) -> bytes:
        line = self._file.readline(LINE_LIMIT + 1)
        self._is_over = not line
        if len(line) > LINE_LIMIT:
            return line  # the reader rejects it, and its rest
        return Tokens().feed(line, final=True)

    def close(self) -> None:
        self._file.close()
        super().close()


class Tokens:
    """Turns pieces of loose JSON into plain JSON."""

    def __init__(self) -> None:
        self._rest, self._out = b"", list[bytes]()
        self._open = bytearray()
        """Marks that are not closed: of a list, an object, a call, or ``t`` for a tuple."""
        self._depth = 0
        """Number of lists and objects that are not closed."""
        self._word, self._has_comma = b"", False
        self._skipped: int | None = None
        """Number of open marks around a call of which only the first value is used."""
        self._is_begun, self._is_long = False, False
        self._do: Mapping[str, Callable[[bytes], None]] = {
            "space": self._out.append,
            "comment": lambda token: self._out.append(b"\n" * token.count(b"\n") or b" "),
            "string": self._string,
            "other_string": self._string,
            "word": self._new_word,
            "mark": self._mark,
            "other": self._emit,
        }

    def feed(self, data: bytes, *, final: bool) -> bytes:
        """Return the plain JSON that is certain so far; at the *final* piece all of it."""
        text = self._rest + data
        if not self._is_begun and (guard := _GUARD.match(text)):
            text = text[guard.end() :]
        self._is_begun = True
        place = 0
        for found in _TOKEN.finditer(text):
            if _is_cut(found):
                break
            if not final and found.end() == len(text) and found.lastgroup != "mark":
                break
            self._take(found.lastgroup or "", found[0])
            place = found.end()
        self._rest = text[place:]
        if len(self._rest) > RECORD_LIMIT + _CHUNK:
            self._shorten()
        if final:
            self._emit(self._rest)  # a text or comment without an end
        plain = b"".join(self._out)
        self._out.clear()
        return plain

    def _shorten(self) -> None:
        """Drop most of a comment, or of a text that is too long for any record."""
        if self._rest.startswith(b"/"):
            self._rest = self._rest[:2]
            return
        if not self._is_long:
            self._emit(b'"' + b"." * RECORD_LIMIT)
        self._is_long, self._rest = True, self._rest[:1]

    def _take(self, kind: str, token: bytes) -> None:
        if self._skipped is not None and not (kind == "mark" and token in b"[]{}()"):
            return
        self._do[kind](token)

    def _emit(self, token: bytes) -> None:
        """Write a token if it is inside a document."""
        self._end_word()
        if self._depth:
            self._put(token)

    def _put(self, token: bytes) -> None:
        if self._has_comma:
            self._out.append(b",")
            self._has_comma = False
        self._out.append(token)

    def _string(self, token: bytes) -> None:
        if self._is_long:
            self._is_long = False
            if self._depth:
                self._out.append(b'"')
            return
        if self._word in _PREFIXES:
            self._word = b""
        if token[:1] != b'"' or b"\\" in token:
            token = b'"%b"' % _ESCAPE.sub(_escaped, token[1:-1])
        self._emit(token)

    def _new_word(self, token: bytes) -> None:
        self._end_word()
        self._word = token

    def _end_word(self) -> None:
        """Write a word that is a value by itself."""
        word, self._word = self._word, b""
        if word and self._depth and word != b"new":
            self._put(_WORDS.get(word, word.removeprefix(b"+")))

    def _mark(self, token: bytes) -> None:
        if token in b"[{(":
            self._begin(token)
        elif token in b"]})":
            self._end(token)
        elif token == b"," and self._is_in_call:
            self._end_word()
            self._skipped = len(self._open) - 1
        elif token == b",":
            self._end_word()
            self._has_comma = self._depth > 0
        elif token == b":" and self._word and self._depth:
            self._put(b'"%b":' % self._word)
            self._word = b""
        elif token in b";=" and not self._depth:
            self._word = b""
        else:
            self._emit(token)

    @property
    def _is_in_call(self) -> bool:
        return self._depth > 0 and self._open[-1:] == b"("

    def _begin(self, token: bytes) -> None:
        if len(self._open) >= _DEPTH:
            raise UnreadableArchiveError("it is not valid JSON: it is nested too deeply")
        is_index = token == b"[" and not self._depth and self._word not in {b"", *_NO_INDEX}
        if self._skipped is None and is_index:
            self._skipped = len(self._open)
        if self._skipped is not None:
            self._open += b"("
            return
        if token == b"(" and (self._word or not self._depth):
            self._word = b""
            self._open += b"("
            return
        self._end_word()
        self._depth += 1
        self._open += b"t" if token == b"(" else token
        self._put(b"[" if token == b"(" else token)

    def _end(self, token: bytes) -> None:
        if self._skipped is None:
            self._end_word()
        if not self._open:
            return
        is_call = self._open.pop() == ord("(")
        if self._skipped is not None:
            self._skipped = None if len(self._open) <= self._skipped else self._skipped
        elif not is_call:
            self._has_comma = False
            self._put(b"]" if token == b")" else token)
            self._depth -= 1
            if not self._depth:
                self._out.append(b" ")


def _is_cut(found: re.Match[bytes]) -> bool:
    """Return whether a token begins a text or comment whose end is not there yet."""
    if found.lastgroup != "other":
        return False
    return found[0] in b"\"'`" or found.string.startswith(b"/*", found.start())


def _escaped(found: re.Match[bytes]) -> bytes:
    """Return the JSON form of an escaped sign."""
    escape = found[1]
    if escape is None:
        return b'\\"' if found[0] == b'"' else b"\\u%04x" % found[0][0]
    if escape in _ESCAPES:
        return _ESCAPES[escape]
    if len(escape) > 1:
        code = int(escape[1:], 16)
        return b"\\u%04x" % code if escape[:1] == b"x" else chr(code).encode("utf-8", "replace")
    return found[0] if escape in _OF_JSON else escape
