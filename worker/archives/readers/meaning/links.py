"""Reads links to questions that a forum calls the same, as programs write them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from worker.archives.readers.values.conditions import NULLS
from worker.archives.readers.values.texts import ValueUnusableError, id_text

_NONE = NULLS | {"0"}
_IDS = ("id", "question_id", "key", "_id")
_FLOAT = re.compile(r"\d+[.,]0")
_ADDRESS = re.compile(r"^https?:|\(https?:")


def targets_of(value: Any, *, is_float: bool) -> Iterator[str]:
    """Yield the ids in a link; raises `ValueUnusableError` if one of them cannot be read.

    ``#12`` is 12, ``2.0`` of a spreadsheet is 2, and an object has its own id. If ids of the file
    are floats, *is_float* is true.
    """
    for one in value if isinstance(value, list) else [value]:
        inner = _id_of(one) if isinstance(one, Mapping) else one
        target = id_text(inner, is_float=is_float or isinstance(inner, float))
        if target.lower() in _NONE:
            continue
        if _ADDRESS.search(target):
            raise ValueUnusableError("it is an address: name the column with the id")
        target = target.removeprefix("#") if target[1:].isdecimal() else target
        yield re.split("[.,]", target)[0] if _FLOAT.fullmatch(target) else target


def _id_of(link: Mapping[str, Any]) -> Any:
    """Return the id in an object; None if it is another link than to a duplicate.

    Jira has each link at both of its ends: only that of the duplicate counts.
    """
    kind = link.get("type")
    if isinstance(kind, Mapping) and "outward" in kind:
        is_duplicate = str(kind.get("name") or "").lower().startswith("duplicate")
        other = link.get("outwardIssue") if is_duplicate else None
        return other.get("key") if isinstance(other, Mapping) else None
    return next((link[name] for name in _IDS if name in link), link)
