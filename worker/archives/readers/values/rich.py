"""Reads the text in documents of editors, such as ProseMirror, Quill, Draft.js and Slate."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_INSIDE = ("content", "children", "ops", "blocks", "root", "document", "nodes", "leaves", "data")
_TEXTS = ("text", "insert")
_BLOCKS = frozenset({
    "paragraph", "heading", "blockquote", "list_item", "listitem", "codeblock", "code_block",
    "unstyled", "header", "list-item", "block-quote",
})  # fmt: skip
_BEGINS = (
    '{"type', '{"ops', '{"blocks', '{"root', '{"time', '{"object', '{"document', '[{"type',
    '[{"insert',
)  # fmt: skip
_DEEPEST = 50


def rich_text(value: object) -> str | None:
    """Return the text of an editor's document, an object or list or JSON of it; None for others."""
    if isinstance(value, str):
        value = _parsed(value)
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict) or not _is_document(first):
        return None
    return "".join(_parts(value, _DEEPEST)).strip()


def _parsed(text: str) -> object:
    if not text.lstrip().replace(" ", "")[:12].startswith(_BEGINS):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_document(value: Mapping[str, Any]) -> bool:
    inside = [value[name] for name in _INSIDE if name in value]
    return any(isinstance(one, (list, dict)) for one in inside) or isinstance(
        value.get("insert"), str
    )


def _parts(value: object, depth: int) -> Iterator[str]:
    """Yield the texts inside *value*, with a line end after each paragraph."""
    if isinstance(value, list):
        for one in value:
            yield from _parts(one, depth)
    elif isinstance(value, dict) and depth:
        texts = [value[name] for name in _TEXTS if isinstance(value.get(name), str)]
        yield from texts
        for name in _INSIDE:
            yield from _parts(value.get(name), depth - 1)
        if str(value.get("type")).lower() in _BLOCKS:
            yield "\n"
