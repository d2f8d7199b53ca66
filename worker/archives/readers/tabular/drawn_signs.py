"""The signs with which tables are drawn, and the width of a text on a screen."""

import re
from collections.abc import Sequence
from unicodedata import category, east_asian_width

_LINES = (
    *range(0x2500, 0x2502),
    *range(0x2504, 0x2506),
    *range(0x2508, 0x250A),
    0x2550,
    0x254C,
    0x254D,
)
_BARS = (0x2502, 0x2503, 0x2506, 0x2507, 0x250A, 0x250B, 0x2551, 0x254E, 0x254F)
_ASCII = {
    **dict.fromkeys(range(0x250C, 0x2571), "+"),
    **dict.fromkeys(_LINES, "-"),
    **dict.fromkeys(_BARS, "|"),
}
BARS = frozenset(map(chr, (*map(ord, "|"), *_BARS)))
_OF_RULES = "-=|+: \t"
_FOOT = re.compile(
    r"\(\d+ ?[^\W\d_]{1,14}(?: [^\W\d_]{1,14})?\)|\d+ rows? in set\b.*|(?:\d+|no) rows? selected\.?"
    r"|\d+ (?:rows?|records?)(?:\(s\))?(?: (?:selected|affected|exported|returned|fetched))?\.?"
    r"|(?:total )?(?:rows?|records?|count)(?: count)?: ?\d+|query (?:ok|complete)\b.*"
    r"|[-=*# ]*(?:end|ende|fin|eof)(?: of (?:file|report|data|export|list|table))?[-=*# .]*|\\\."
    r"|(?:run )?time: (?:real )?[\d.]+.*|elapsed: [\d:.]+|bye|\x1a"
    r"|\|? *\d+ rows? .*\d+ columns? *\|?",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    r"\s*(?:(?:mysql|sqlite|sql|mariadb \[[^\]]{1,80}\]|\.\.\.|-)>|[\w.@-]{1,60}[=(-][#>])",
    re.IGNORECASE,
)
_WIDE, _NARROW = frozenset("WF"), frozenset({"Mn", "Me", "Cf"})


def as_ascii(line: str) -> str:
    """Return *line* without its end, with ``-``, ``|`` and ``+`` as its drawing signs."""
    return (line if line.isascii() else line.translate(_ASCII)).rstrip()


def is_rule(line: str) -> bool:
    """Return whether *line*, in ASCII, is a rule between rows."""
    is_drawn = "--" in line or "==" in line or ("-" in line and "|" in line)
    return is_drawn and not line.strip(_OF_RULES)


def is_foot(line: str) -> bool:
    """Return whether *line*, in ASCII, is a summary of a client below a table."""
    return _FOOT.fullmatch(line.strip()) is not None


def is_prompt(line: str) -> bool:
    """Return whether *line* is a prompt of a client, perhaps with a typed command."""
    return _PROMPT.match(line) is not None


def places(text: str, wanted: Sequence[int]) -> list[int]:
    """Return the places in *text* of the screen positions *wanted*, which ascend.

    If a wide character covers a position, it is the place of the next character. A mark, such as an
    accent, belongs to the letter before it.
    """
    if text.isascii():
        return list(wanted)
    found: list[int] = []
    column = 0
    for at, char in enumerate(text):
        width = 2 if east_asian_width(char) in _WIDE else int(category(char) not in _NARROW)
        while width and len(found) < len(wanted) and column >= wanted[len(found)]:
            found.append(at)
        if len(found) == len(wanted):
            return found
        column += width
    beyond = wanted[len(found) :]
    return found + [len(text) + max(0, one - column) for one in beyond]
