"""Reads values of a row as texts; unusable values of optional fields are dropped and reported."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from worker.archives.readers.values.conditions import NULLS, TYPED, value_of
from worker.archives.readers.values.localised import localised
from worker.archives.readers.values.markup import Markup, without_markup
from worker.archives.readers.values.rich import rich_text
from worker.text.intake import BODY_LENGTH, ID_LENGTH, LABEL_LENGTH, URL_LENGTH, label_of, url_of
from worker.text.normal import clean

_EXAMPLE_LENGTH = 60
_LONGEST_NULL = max(map(len, NULLS))
_NAMES = (
    "display_name", "displayName", "DisplayName", "username", "userName", "Username", "UserName",
    "name", "Name", "login", "title", "slug", "value", "href", "id",
)  # fmt: skip
"""The first of these keys gives the text of an object, such as an author."""
DATABASE_NULLS = frozenset(
    {"\\N", "NULL", "null", "Null", "(null)", "[null]", "<null>", "None", "(none)", "nan", "NaN",
     "NaT", "<NA>", "undefined", "{}", "[]", "(blank)", "#N/A", "#REF!", "#NAME?", "#VALUE!",
     "#DIV/0!", "#NULL!", "#NUM!"}
)  # fmt: skip
"""Exact values for nothing in databases and programs; fewer than `NULLS`, because a question may be
short.
"""
_OF_MARKUP = ("rendered", "raw", "#text", "_text", "$t", "@value", "__text", "plain_text")
"""Keys of an object's text; attributes and other forms of the text may be beside it."""
_OF_BODY = ("content", "html", "text", "body", "plain", "markdown")
"""Keys of the text in an object that is a body."""
_RICH = frozenset({"{", "["})
_BESIDE_VALUE = frozenset({
    "value", "format", "processed", "summary", "safe", "safe_value", "lang", "langcode",
})  # fmt: skip
"""Keys of a value in Drupal's API."""
_WHOLE_FLOAT = re.compile(r"\d+[.,]0")
_FOR_SHEETS = re.compile(r'="([^"]*)"')
"""Exporters write this so that spreadsheets keep the zeros of an id."""
_OBJECT_ID = re.compile(r"ObjectId\(['\"]?([0-9a-f]{24})['\"]?\)", re.IGNORECASE)
"""Tools of MongoDB write an id so."""
_ID_FORMS = (_FOR_SHEETS, _OBJECT_ID, re.compile(r"'(\d+)"))
"""The forms of an id, of which only the group is meant: the last one keeps zeros in sheets too."""
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d{1,3}")
_BREAKS = re.compile(r"[\x0b\x0c\x1c-\x1f\x85]")
_HALF, _BYTE = re.compile("[\ud800-\udfff]"), re.compile("[\udc80-\udcff]")
_IS_HALF = "half of a sign, as where a text was cut in the middle of an emoji"
_IS_NO_TEXT = "is not valid in this encoding"
_TAG_MARKS = re.compile("[<>|]+")
SIMPLE_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,4})?(?:[/?][!#-;=?-\[\]_a-z~]*)?")
"""Matches most addresses; one that matches and is not too long needs no cleaning."""
_LINK = re.compile(
    r"""<a\s[^>]*?href=["']?([^"'>\s]+)[^>]*>.*|=HYPERLINK\("([^"]+)".*|!?\[[^\]]*\]\(([^)\s]+).*\)""",
    re.IGNORECASE | re.DOTALL,
)
_SIGNED_IN = re.compile(r"^(https?://)[^/?#@]*@", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\\"<>^`{|}]")


class Dropped(NamedTuple):
    """A value that could not be used, or only in part; its question was kept."""

    field: str
    reason: str
    example: str


class ValueUnusableError(ValueError):
    """A field that a question must have cannot be used."""


def raw_text(value: object) -> str:
    """Return the text of a value of any type; raises `ValueUnusableError` if it has none."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    value = localised(value)
    if isinstance(value, dict) and (inner := typed_value(value)) is not None:
        return raw_text(inner)
    read = next((read for kind, read in _TEXTS if isinstance(value, kind)), str)
    return read(value)


def typed_value(value: Mapping[str, Any]) -> object:
    """Return the value in ``{"$oid": "5f"}`` of MongoDB or ``{"S": "5f"}`` of DynamoDB, or None."""
    marked = next((value[name] for name in _OF_MARKUP if isinstance(value.get(name), str)), None)
    if marked is None and "value" in value and value.keys() <= _BESIDE_VALUE:
        return value["value"]
    if (whole := value_of(value)) is not value and "type" in value:
        return _of_parts_of_text(whole)
    if marked is not None or len(value) != 1:
        return marked
    name, inner = next(iter(value.items()))
    return inner if name.startswith("$") or name in TYPED else None


def _of_parts_of_text(whole: object) -> object:
    """Return the text of a list whose parts have each their own format; others unchanged."""
    parts = (
        [one.get("plain_text") for one in whole if isinstance(one, dict)]
        if isinstance(whole, list)
        else []
    )
    return "".join(map(str, parts)) if parts and None not in parts else whole


def _no_text(_: object) -> str:
    raise ValueUnusableError("is not text")


def _of_number(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _of_list(values: Any) -> str:
    return " ".join(filter(None, map(raw_text, values)))


def _of_object(value: Any) -> str:
    return next((raw_text(value[name]) for name in _NAMES if value.get(name)), "")


def _of_bytes(value: Any) -> str:
    return str(value, "utf-8", "surrogateescape")


def _as_hex(value: object) -> object:
    """Return bytes that are no text, such as a UUID, as hexadecimal digits; others unchanged."""
    if not isinstance(value, bytes):
        return value
    text = value.decode("utf-8", "replace")
    return text if text.isprintable() and "\ufffd" not in text else value.hex()


_TEXTS: tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...] = (
    (bytes, _of_bytes),
    (bool, _no_text),
    ((int, float), _of_number),
    (list, _of_list),
    (dict, _of_object),
)


def _of_rich(value: Any) -> Any:
    """Return the text of a body that is an object, or a document of an editor."""
    if (rich := rich_text(value)) is not None:
        return rich
    if isinstance(value, dict):
        return next((value[name] for name in _OF_BODY if value.get(name)), value)
    return value


def required_text(value: object, what: str, found: "Optionals | None" = None) -> str:
    """Return the cleaned text of a field that a question must have; empty for a database's null.

    Dropped parts of it are recorded in *found*. Raises `ValueUnusableError`.
    """
    if isinstance(value, str) and value.isascii() and value.isprintable():
        text = value.strip()
        return "" if text in DATABASE_NULLS else text
    value = localised(value)
    if isinstance(value, list) and len(value) == 1:  # as searches return it
        value = localised(value[0])
    if isinstance(value, dict) and isinstance(value.get("rendered"), str):  # as HTML
        value = html.unescape(value["rendered"])
    if isinstance(value, list) or (isinstance(value, dict) and typed_value(value) is None):
        raise ValueUnusableError(f"{what} is not text{_of_parts(value)}")
    try:
        text = raw_text(value)
    except ValueUnusableError as error:
        raise ValueUnusableError(f"{what} {error}") from None
    if text.isascii() and text.isprintable():
        text = text.strip()
    else:
        if _HALF.search(text):
            text = _without_halves(text, what, found)
        text = clean(_BREAKS.sub(" ", text))
    return "" if text in DATABASE_NULLS else text


def _of_parts(value: list[Any] | dict[str, Any]) -> str:
    """Return how somebody names one part of a value that has several."""
    if not value:
        return ""
    if isinstance(value, list):
        return f", but a list of {len(value)}: name one of them, such as --map title=COLUMN.0"
    names = list(map(str, value))
    return (
        f", but an object ({', '.join(names[:5])}): name a part of it, such as"
        f" --map title=COLUMN.{names[0]}"
    )


def _without_halves(text: str, what: str, found: "Optionals | None") -> str:
    """Return *text* without halves of signs; raises `ValueUnusableError` for wrong bytes.

    Readers write U+DC80 to U+DCFF in place of a byte that is not valid in the encoding.
    """
    if not _HALF.search(_BYTE.sub("", text)):
        raise ValueUnusableError(f"{what} {_IS_NO_TEXT}: is --encoding right?")
    if found is None:
        raise ValueUnusableError(f"{what} has {_IS_HALF}")
    found.drop("title", f"it has {_IS_HALF}", _HALF.sub(" ", text))
    return _HALF.sub("", text)


def id_text(value: object, *, is_float: bool) -> str:
    """Return an id; ``1042.0`` in a column of floats is 1042. Raises `ValueUnusableError`."""
    text = required_text(_as_hex(value), "the id")
    if found := next(filter(None, (form.fullmatch(text) for form in _ID_FORMS)), None):
        text = found[1].strip()
    if _ROUNDED.fullmatch(text):
        raise ValueUnusableError(
            "a spreadsheet rounded the id: export it as text, or give --map id= to"
            " import without ids"
        )
    if is_float and _WHOLE_FLOAT.fullmatch(text):
        text = text[:-2]
    if len(text) > ID_LENGTH:
        raise ValueUnusableError(f"the id is longer than {ID_LENGTH} characters")
    return text


@dataclass(slots=True)
class Optionals:
    """Reads the optional fields of one row, and records the dropped values."""

    dropped: list[Dropped] = field(default_factory=list)

    def drop(self, name: str, reason: str, value: object) -> None:
        """Record that a value was not used."""
        text = "".join(char if char.isprintable() else " " for char in str(value)[:_EXAMPLE_LENGTH])
        self.dropped.append(Dropped(name, reason, text))

    def _text(self, name: str, value: object) -> str:
        try:
            text = raw_text(value)
        except ValueUnusableError as error:
            self.drop(name, f"it {error}", value)
            return ""
        if not text.isascii() and _HALF.search(text):
            is_byte = not _HALF.search(_BYTE.sub("", text))
            about = f"it {_IS_NO_TEXT} in part" if is_byte else f"it has {_IS_HALF}"
            self.drop(name, about, _HALF.sub(" ", text))
            text = text.encode("utf-8", "replace").decode() if is_byte else _HALF.sub("", text)
        return text

    def body(self, value: object, markup: Markup) -> str:
        """Return a body without its markup, cut if it is too long."""
        if value.__class__ is not str or value[:1] in _RICH:
            value = _of_rich(value)
        text = self._text("body", value)
        if not text or (len(text) <= _LONGEST_NULL and text.strip().lower() in NULLS):
            return ""
        return self.fitting_body(clean(without_markup(text, markup)))

    def fitting_body(self, text: str) -> str:
        """Return *text*, cut at the greatest length that is stored."""
        if len(text) <= BODY_LENGTH:
            return text
        self.drop("body", f"what is beyond {BODY_LENGTH:,} characters", text)
        return text[:BODY_LENGTH].rstrip()

    def label(self, name: str, value: object) -> str | None:
        """Return a category or an author's name."""
        if value is None:
            return None
        if isinstance(value, str) and value.isascii() and value.isprintable():
            plain = value.strip()
            if plain and len(plain) <= LABEL_LENGTH and plain[0] not in "<|":
                is_null = len(plain) <= _LONGEST_NULL and plain.lower() in NULLS
                return None if is_null else plain
        text = self._text(name, value)
        if name == "category" and text[:1] in {"<", "|"}:  # tags of Stack Exchange
            text = _TAG_MARKS.sub(" ", text)
        text = " ".join(text.split())
        if text.lower() in NULLS:
            return None
        if len(text) > LABEL_LENGTH:
            self.drop(name, f"what is beyond {LABEL_LENGTH} characters", text)
            text = text[:LABEL_LENGTH]
        return self._tried(name, label_of, text)

    def url(self, value: object, base_url: str) -> str | None:
        """Return an address; a relative one is completed with *base_url*."""
        text = _linked(self._text("url", value).strip())
        if text.lower() in NULLS:
            return None
        text = _UNSAFE.sub(lambda found: quote(found[0], safe=""), text)
        if text.startswith("//"):
            text = f"https:{text}"
        if not urlsplit_scheme(text):
            if not base_url and text.startswith("#"):
                return None
            if not base_url:
                self.drop("url", "it is relative: say --base-url", text)
                return None
            text = urljoin(base_url, text)
        if len(text) > URL_LENGTH:
            self.drop("url", "it is too long", text)
            return None
        return self._tried("url", url_of, text)

    def _tried(self, name: str, read: Callable[[str], str | None], text: str) -> str | None:
        try:
            return read(text)
        except ValueError as error:
            self.drop(name, str(error), text)
            return None


def _linked(text: str) -> str:
    """Return the address in a link of HTML, Markdown or a spreadsheet; other texts unchanged.

    Of several lines only the first one counts, and a name and password in an address are left out.
    """
    if found := _LINK.fullmatch(text):
        text = next(filter(None, found.groups()))
    if text[:4].lower() == "www.":
        text = f"https://{text}"
    return _SIGNED_IN.sub(r"\1", text.split("\n", 1)[0].strip())


def urlsplit_scheme(text: str) -> Any:
    """Return the scheme of an address; empty if it is relative or not valid."""
    try:
        return urlsplit(text).scheme
    except ValueError:
        return ""
