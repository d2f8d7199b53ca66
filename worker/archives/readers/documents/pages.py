"""Reads Markdown pages with front matter, as site generators keep them.

The title, or the name of the file, is a question if it ends with a question mark. Keys of the front
matter about who may read the page (``draft``, ``published``, ``private``) count by the rules for
unknown tables.
"""

import datetime as dt
import io
import re
import tomllib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from worker.archives.readers.documents import yaml_rows
from worker.archives.readers.meaning.hiding import hiding_rules
from worker.archives.readers.records import RECORD_LIMIT, RECORD_TOO_LONG, Row

COLUMNS = (
    "page_path", "page_title", "asks", "page_body", "category", "tags", "author", "date", "updated",
    "language", "hidden_by",
)  # fmt: skip
_FRONT = re.compile(
    r"\ufeff?(---|\+\+\+)[ \t]*\r?\n(.*?)^(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_ASKS = re.compile(r"[?\uff1f\u061f\u037e][\"')\]\s]*$")
_SUFFIXES = frozenset({".md", ".markdown", ".mdx"})
_NOTION = re.compile(r" [0-9a-f]{32}$")
"""Notion writes this after the title in a file's name."""
_FROM: Mapping[str, tuple[str, ...]] = {
    "category": ("category", "categories", "section", "folder"),
    "tags": ("tags", "keywords"),
    "author": ("author", "authors"),
    "date": ("date", "created", "publishdate", "created_at"),
    "updated": ("lastmod", "updated", "modified", "last_modified_at", "updated_at"),
    "language": ("lang", "language", "locale"),
}
"""For each column the keys of the front matter, in small letters."""


def is_page(head: str, name: str) -> bool:
    """Return whether a text that begins with *head* is a Markdown page with a question as title."""
    if PurePosixPath(name).suffix.lower() not in _SUFFIXES:
        return False
    return _ASKS.search(_title(_front(head) or {}, name)) is not None


def row(file: BinaryIO, name: str) -> Row:
    """Return the page in *file* as a row."""
    data = file.read(RECORD_LIMIT + 1)
    if len(data) > RECORD_LIMIT:
        return Row(1, RECORD_TOO_LONG)
    text = data.decode("utf-8", "surrogateescape")
    front = _front(text) or {}
    title = _title(front, name)
    values: dict[str, Any] = {
        field: next((front[one] for one in names if front.get(one)), None)
        for field, names in _FROM.items()
    }
    return Row(
        1,
        values
        | {
            "page_path": name,
            "page_title": title,
            "asks": "yes" if _ASKS.search(title) else "no",
            "page_body": _FRONT.sub("", text, count=1),
            "hidden_by": _why_hidden(front),
        },
    )


def _title(front: Mapping[str, Any], name: str) -> str:
    path = PurePosixPath(name)
    return str(front.get("title") or _NOTION.sub("", path.name[: -len(path.suffix)]))


def _front(text: str) -> dict[str, Any] | None:
    """Return the front matter of *text* by key in small letters; None if there is none."""
    found = _FRONT.match(text)
    if found is None:
        return None
    if found[1] == "+++":
        try:
            said: Any = tomllib.loads(found[2])
        except (tomllib.TOMLDecodeError, RecursionError):
            return None
    else:
        rows = yaml_rows.rows(io.BytesIO(found[2].encode("utf-8", "surrogateescape")), ())
        said = next((one.values for one in rows), None)
    if not isinstance(said, Mapping):
        return None
    return {str(name).lower(): _plain(value) for name, value in said.items()}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def hidden_by(text: str) -> str:
    """Return why the front matter of *text* hides it; empty if it does not."""
    return _why_hidden(_front(text) or {})


def _why_hidden(front: Mapping[str, Any]) -> str:
    rules = hiding_rules(front, ("title", *(name for names in _FROM.values() for name in names)))
    return next((reason for reason, condition in rules if condition.is_met(front)), "")
