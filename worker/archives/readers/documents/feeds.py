"""Reads feeds: Atom, and RSS of every version. Each entry is a question."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from worker.archives.readers.documents import xml_rows
from worker.archives.readers.records import Row
from worker.archives.readers.values.conditions import value_at

COLUMNS = (
    "feed_id", "feed_title", "text", "link", "category", "author", "published", "updated",
    "is_reply", "is_draft", "state",
)  # fmt: skip
_MARKED = re.compile(
    r"<(b|i|em|strong|code|tt|u|mark|span|a)(?:\s[^<>]{0,200})?>([^<>]{1,500})</\1>", re.IGNORECASE
)
"""Words of a title that are marked in HTML, as Atom allows."""
_ROOT = re.compile(
    r"(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*>|\s)*<(?:\w+:)?(?P<name>feed|rss|RDF)\b(?P<given>[^>]*)>",
    re.DOTALL,
)
_MARKS: Mapping[str, str] = {
    "feed": r"www\.w3\.org/2005/Atom|purl\.org/atom/",
    "rss": "",
    "RDF": r"purl\.org/rss/|my\.netscape\.com",
}
"""What the root element of each kind of feed must contain."""
_OTHERS = "wordpress.org/export"
"""Marks an export of a whole site in the form of a feed, which is read elsewhere."""
_PATHS: Mapping[str, xml_rows.Path] = {
    "feed": ("feed", "entry"), "rss": ("rss", "channel", "item"), "RDF": ("RDF", "item"),
}  # fmt: skip
_NO_TEXT = frozenset({
    "href", "src", "url", "class", "id", "style", "type", "rel", "target", "width", "height",
    "scheme", "lang", "base", "medium", "domain", "isPermaLink",
})  # fmt: skip
"""Attributes whose values are not text."""


def kind_of(head: str) -> str | None:
    """Return the kind of feed that begins with *head*: ``feed``, ``rss``, ``RDF``, or None."""
    root = _ROOT.match(head)
    if root is None or _OTHERS in root["given"]:
        return None
    return root["name"] if re.search(_MARKS[root["name"]], root["given"]) else None


def rows(file: BinaryIO, kind: str) -> Iterator[Row]:
    """Yield the entries of a feed."""
    for row in xml_rows.rows(file, _PATHS[kind]):
        yield row if isinstance(row.values, str) else Row(row.line, _entry(row.values))


def _entry(element: Mapping[str, Any]) -> dict[str, Any]:
    link = _link(element.get("link"))
    values = {
        "feed_id": _first(element, "id", "guid", "about") or link,
        "feed_title": _MARKED.sub(r"\2", _first(element, "title")),
        "text": _first(element, "encoded", "content", "description", "summary"),
        "link": link,
        "category": _categories(element.get("category", element.get("subject"))),
        "author": _author(element.get("author", element.get("creator"))),
        "published": _first(element, "published", "issued", "created", "pubDate", "date"),
        "updated": _first(element, "updated", "modified"),
        "is_reply": "yes" if _is_reply(element) else "no",
        "is_draft": _text(value_at(element, "control.draft")),
        "state": _first(element, "status"),
    }
    return {name: value for name, value in values.items() if value}


def _is_reply(element: Mapping[str, Any]) -> bool:
    return "in-reply-to" in element or _first(element, "type").upper() == "COMMENT"


def _first(element: Mapping[str, Any], *names: str) -> str:
    """Return the first text under one of *names*."""
    return next((text for name in names if (text := _text(element.get(name)))), "")


def _text(value: Any) -> str:
    """Return all texts inside a value, such as those of XHTML."""
    if isinstance(value, Mapping):
        below = [one for name, one in value.items() if name not in {*_NO_TEXT, "text"}]
        return _text([value.get("text"), *below])
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, value)))
    return value if isinstance(value, str) else ""


def _link(value: Any) -> str:
    """Return the address of an entry's page from its links."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            return one
        if isinstance(one, Mapping) and one.get("rel", "alternate") == "alternate":
            return str(one.get("href", ""))
    return ""


def _categories(value: Any) -> list[str]:
    some = value if isinstance(value, list) else [value]
    names = (one.get("term") if isinstance(one, Mapping) else one for one in some)
    return [name for name in names if isinstance(name, str)]


def _author(value: Any) -> str:
    one = value[0] if isinstance(value, list) and value else value
    return _text(one.get("name") if isinstance(one, Mapping) else one)
