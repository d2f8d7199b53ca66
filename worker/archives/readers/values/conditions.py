"""Conditions on the columns of a row, as shapes and ``--visible-if`` write them.

``is_pm=yes``, ``topic_visibility=0,2,3``, ``deleted_at=not empty``, ``archetype!=regular``,
``visible=no``, ``subject~^Re:``; a colon may replace ``=``. A column that a row lacks meets no
condition, except one that names ``absent``. Shapes also write ``access=missing`` and
``private=found`` for lookups, ``bits=even``, and ``starter=same nodeid`` to compare two columns.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Self

from db.errors import InvalidInputError

_FORM = re.compile(
    r"\s*(?P<column>[^=!:~]+?)\s*(?P<sign>!=|!~|==|=|:|~)\s*(?P<values>.*?)\s*", re.DOTALL
)
YES = frozenset(
    {"1", "1.0", "true", "t", "yes", "y", "on", "wahr", "ja", "vrai", "oui", "verdadero",
     "verdadeiro", "vero", "si", "s\u00ed", "sim", "\u0434\u0430",
     "\u0438\u0441\u0442\u0438\u043d\u0430",
     "s\u00ec", "tak", "evet", "igen", "ano", "kyll\u00e4", "\u03bd\u03b1\u03b9",
     "\u0442\u0430\u043a", "\u662f", "\u306f\u3044", "\uc608",
     "\u0646\u0639\u0645", "\u05db\u05df", "c\u00f3", "da",
     "\u2713", "\u2714", "\u2705", "\u2611", "\x01"}
)  # fmt: skip
"""The values for yes in databases, programs and spreadsheets, in small letters."""
NO = frozenset(
    {"0", "0.0", "false", "f", "no", "n", "off", "falsch", "nein", "faux", "non", "falso", "nao",
     "nee", "nie", "nej", "nei", "ei", "ne", "nem", "hay\u0131r", "\u03cc\u03c7\u03b9",
     "\u043d\u0456", "\u5426", "\u3044\u3044\u3048", "\uc544\ub2c8\uc694",
     "n\u00e3o", "\u043d\u0435\u0442", "\u043b\u043e\u0436\u044c",
     "\u0644\u0627", "\u05dc\u05d0", "kh\u00f4ng", "nu",
     "\u2717", "\u2718", "\u274c", "\u2610", "\x00"}
)  # fmt: skip
NULLS = frozenset(
    {"", "\\n", "null", "(null)", "[null]", "<null>", "none", "(none)", "nan", "nat", "<na>", "n/a",
     "#n/a", "na", "n.a.", "nil", "undefined", "-", "--", "\u2014", "{}", "[]", '""', "(blank)",
     "(empty)", "#ref!", "#name?", "#value!", "#div/0!", "#null!", "#num!"}
)  # fmt: skip
"""The values for nothing in databases and programs, in small letters."""


_BITS = re.compile(r"b'([01]+)'|(?:b'\\x|0x)([0-9a-f]{2})'?|x'([0-9a-f]{2})'")
_NEVER = (
    "0000-00-00", "0001-01-01", "1900-01-01 00:00:00", "1900-01-01t00:00:00",
    "1970-01-01 00:00:00", "1970-01-01t00:00:00", "9999-12-31",
    "infinity", "-infinity",
)  # fmt: skip
"""What databases and programs write for a moment that never came."""
_LONGEST, _ROWS = 20_000, 256
"""Texts with an object of JSON: their length, and how many are kept for further conditions."""
_SHORT, _REMEMBERED = 100, 4_096
"""Texts that are remembered after a search: their length, and how many of a pattern."""
_DAY, _SECONDS = re.compile(r"\d{4}-\d\d-\d\d"), 10
_MARKED = frozenset({"b'", "x'", "0x"})
"""A bit as databases and Python's libraries write it into a text."""
TYPED = frozenset({
    "S", "N", "BOOL", "stringValue", "integerValue", "doubleValue", "booleanValue",
    "timestampValue", "referenceValue",
})  # fmt: skip
"""Keys of a value in DynamoDB and Firestore: its type is its only key."""


ABSENT = "absent"
"""Among the values of a condition: a row without the column meets it."""


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """Return the value at *path*, such as ``owner.name`` or ``posts.0.text``; None without one."""
    if path in row or "." not in path:
        return row.get(path)
    found: Any = row
    for part in path.split("."):
        if found.__class__ is str:
            found = object_in(found)
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


@lru_cache(_ROWS)
def object_in(text: str) -> Mapping[str, Any] | None:
    """Return the object of JSON in *text*, as databases write it; None if there is none."""
    if not text.startswith("{") or len(text) > _LONGEST:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the value of a column."""

    column: str
    wanted: frozenset[str]
    """Values in small letters, or one of the words ``empty``, ``yes``, ``no`` and the like."""
    negated: bool = False
    pattern: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    """Matches the whole of texts in which *pattern* is not searched."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the condition in *text*; raises `InvalidInputError`."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise InvalidInputError(
                f"{text!r} is not a condition: write COLUMN=VALUE, such as is_pm=no"
            )
        values, negated = found["values"], found["sign"].startswith("!")
        if found["sign"].endswith("~"):
            return cls(found["column"], frozenset(), negated, _compiled(values))
        values = values.strip("'\"").lower()
        if values == "not empty":
            return cls(found["column"], frozenset({"empty"}), not negated)
        wanted = frozenset(value.strip() for value in values.split(","))
        return cls(found["column"], wanted, negated)

    def is_met(self, row: Mapping[str, Any]) -> bool:
        """Return whether *row* has the column and its value is wanted."""
        value = row[self.column] if self.column in row else value_at(row, self.column)
        if value is None and self.column not in row:
            return ABSENT in self.wanted
        if self.pattern is not None:
            text = _searched(value)
            is_met = _has(self.pattern, text) and not (self.unless and self.unless.fullmatch(text))
            return is_met != self.negated
        return self._is_wanted(value, row) != self.negated

    def identity(self) -> tuple[object, ...]:
        """Return all parts of the condition; they are the same in every process."""
        patterns = [one.pattern for one in (self.pattern, self.unless) if one is not None]
        return self.column, sorted(self.wanted), self.negated, patterns

    @property
    def is_of_row(self) -> bool:
        """Return whether the condition also reads another column."""
        return any(word.startswith("same ") for word in self.wanted)

    def _is_wanted(self, value: object, row: Mapping[str, Any]) -> bool:
        if isinstance(value, Mapping) and (inner := value_of(value)) is not value:
            return self._is_wanted(inner, row)
        if isinstance(value, Mapping):  # a lookup or an object
            if "empty" in self.wanted and not any(value.values()):
                return True
            return ("missing" if not value else "found") in self.wanted
        if isinstance(value, list):
            return any(self._is_wanted(one, row) for one in value) or (
                not value and "empty" in self.wanted
            )
        text = _plain(value)
        if text in self.wanted:
            return True
        return any(word in self.wanted and is_so(text) for word, is_so in _WORDS.items()) or any(
            word.startswith("same ") and text == _plain(row.get(word[5:])) for word in self.wanted
        )


def value_of(value: Mapping[str, Any]) -> Any:
    """Return the value of an object that has only a value and its type; others unchanged.

    So databases (``{"$numberInt": "1"}``) and Notion (``{"type": "checkbox", "checkbox": true}``)
    write values.
    """
    name = next(iter(value), "")
    if len(value) == 1 and (name in TYPED or name.startswith("$")):
        return value[name]
    kind = value.get("type")
    return value[kind] if isinstance(kind, str) and kind in value else value


def _has(pattern: re.Pattern[str], text: str) -> bool:
    if len(text) > _SHORT:
        return pattern.search(text) is not None
    return _finder(pattern.pattern, pattern.flags)(text)


@cache
def _finder(pattern: str, flags: int) -> Callable[[str], bool]:
    """Return a search that remembers texts: many rows have the same tags, and a pattern is long."""
    search = re.compile(pattern, flags).search
    return lru_cache(_REMEMBERED)(lambda text: search(text) is not None)


def _searched(value: object) -> str:
    """Return the text in which a pattern is searched; of an object its texts, and what is true."""
    if isinstance(value, Mapping):
        parts = (name if found is True else found for name, found in value.items())
        return ",".join(str(part) for part in parts if part and not isinstance(part, bool))
    return str(value or "")


def _is_future(text: str) -> bool:
    """Return whether a moment, in ISO 8601 or seconds since 1970, is later than tomorrow."""
    limit = datetime.now(UTC) + timedelta(days=1)
    if _DAY.match(text):
        return text[:10] > limit.date().isoformat()
    return text.isdecimal() and len(text) == _SECONDS and int(text) > limit.timestamp()


def _is_past(text: str) -> bool:
    """Return whether a moment, in the same forms, is over; one that never came is not."""
    if _DAY.match(text):
        return not text.startswith(_NEVER) and text[:10] < datetime.now(UTC).date().isoformat()
    return text.isdecimal() and len(text) == _SECONDS and int(text) < datetime.now(UTC).timestamp()


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise InvalidInputError(f"{pattern!r} is not a regular expression: {error}") from error


_WORDS: Mapping[str, Callable[[str], bool]] = {
    "empty": lambda text: text in NULLS or text in NO or text.startswith(_NEVER),
    "yes": YES.__contains__,
    "no": NO.__contains__,
    "future": _is_future,
    "past": _is_past,
    "even": lambda text: text.isdecimal() and int(text[-1]) % 2 == 0,
}


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip().lower()
    text = str(value).strip().lower()
    if text[:2] in _MARKED and (found := _BITS.fullmatch(text)):
        return "0" if not int(found[1] or found[2] or found[3], 16) else "1"
    return text
