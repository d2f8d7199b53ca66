"""Reads one value of an ``INSERT``: a string, a number, NULL, or a call with strings in it."""

import re

ESCAPED, PLAIN_TEXT = r"(?:[^'\\]|\\.|'')*+", r"(?:[^']|'')*+"
"""What is between the quotes of a string, with and without backslashes that escape."""
_CALLED = re.compile(r"(\w+)\s*\((.*)\)", re.DOTALL)
_REPLACED = re.compile(r"'((?:[^']|'')*)'\s*,\s*char\((\d+)\)\s*$")
_LITERAL = re.compile(r"[NE]?'((?:[^']|'')*)'")
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\([0-9a-fA-F]{4})|\\(\\)")
_CALLS = 3
"""Calls inside each other: ``replace(replace('...', '\\r', char(13)), '\\n', char(10))``."""
_END = r"\s*(?:::\s*[\w ]+(?:\(\d+\))?(?:\[\])?\s*)?(?P<end>[,)])"
_LETTERS = {"0": "", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": ""}
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)
_BITS = re.compile(r"CONV\('([01]+)', 2, 10\) \+ 0")
"""Bits, as Adminer writes them."""
_HEX = re.compile(r"(?:0x|[xX]')([0-9a-fA-F]*)'?")


def value_of(found: re.Match[str], *, is_mysql: bool) -> object:
    """Return the value that a pattern of `FORM` has found."""
    text, other = found["text"] or found["escaped"], found["other"]
    if other is not None:
        other = _BITS.sub(r"b'\1'", other.strip())
        if other.upper() == "NULL":
            return None
        if number := _HEX.fullmatch(other):
            return bytes.fromhex(number[1]) if len(number[1]) % 2 == 0 else other
        call = _CALLED.fullmatch(other)
        return _called(call[1].lower(), call[2]) if call else other
    if not text:
        return ""
    if "\\" in text and (is_mysql or found["escaped"] is not None):
        return _ESCAPE.sub(lambda one: _LETTERS.get(one[1], one[1]) if one[1] else "'", text)
    return text.replace("''", "'")


def _called(name: str, arguments: str) -> str:
    """Return the text of a call of SQLite or Oracle: its first literal, with replacements made."""
    if name == "replace" and (wanted := _REPLACED.search(arguments)):
        inner = arguments[: wanted.start()].rstrip(", ")
        call = _CALLED.fullmatch(inner.strip())
        text = _called(call[1].lower(), call[2]) if call else _first_literal(inner)
        return text.replace(wanted[1], chr(int(wanted[2])))
    text = _first_literal(arguments)
    if name == "unistr":
        return _UNICODE.sub(
            lambda one: "\\" if one[4] else chr(int(one[1] or one[2] or one[3], 16)), text
        )
    return text


def _first_literal(arguments: str) -> str:
    found = _LITERAL.search(arguments)
    return found[1].replace("''", "'") if found else arguments


def _form(*, is_mysql: bool) -> re.Pattern[str]:
    """Return the pattern of a value: a string, a number, NULL, or a call with strings in it.

    Backslashes escape in strings of MySQL, and in PostgreSQL's after ``E``.
    """
    body = ESCAPED if is_mysql else PLAIN_TEXT
    begin = r"(?:_\w+\s*|[NEe])?" if is_mysql else "[Nn]?"
    inner = ""
    for _ in range(_CALLS):
        inner = rf"|\((?:[^()']|'{body}'{inner})*+\)"
    return re.compile(
        rf"\s*(?:{begin}'(?P<text>{body})'|[Ee]'(?P<escaped>{ESCAPED})'"
        rf"|(?P<other>[XxBb]'[0-9a-fA-F]*'|(?:[^,()']{inner})*+))"
        rf"{_END}",
        re.DOTALL,
    )


FORM = {is_mysql: _form(is_mysql=is_mysql) for is_mysql in (True, False)}
