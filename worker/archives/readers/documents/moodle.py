"""Reads forums in the backup of a Moodle course: each has a folder with its discussions.

A backup lists a discussion by its name, and its posts below it. The file ``module.xml`` beside a
forum says whether the forum is shown.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from worker.archives.readers.documents import xml_rows
from worker.archives.readers.records import Row

COLUMNS = (
    "moodle_id", "moodle_type", "moodle_forum", "moodle_folder", "moodle_first", "name", "userid",
    "groupid",
)  # fmt: skip
MODULE_COLUMNS = ("moodle_folder", "visible")
_FORUM = ("activity", "forum")
_DISCUSSION = (*_FORUM, "discussions", "discussion")
_IS_FORUM = re.compile(r"""<activity\b[^<>]*\bmodulename=["']forum["']""")
_IS_MODULE = re.compile(r"<module\b[^<>]*>\s*<modulename>")
Opened = Callable[[], BinaryIO]


def is_forum(head: str) -> bool:
    """Return whether a document that begins with *head* is a forum of a backup."""
    return _IS_FORUM.search(head) is not None


def is_module(head: str) -> bool:
    """Return whether a document that begins with *head* says how an activity is shown."""
    return _IS_MODULE.search(head) is not None


def folder_of(name: str) -> str:
    """Return the folder of the activity to which the file *name* belongs."""
    return str(PurePosixPath(name).parent)


def rows(opened: Opened, name: str) -> Iterator[Row]:
    """Yield the discussions of a forum."""
    beside = {
        "moodle_type": _text(opened, "type"),
        "moodle_forum": _text(opened, "name"),
        "moodle_folder": folder_of(name),
    }
    with opened() as file:
        for row in xml_rows.rows(file, _DISCUSSION):
            if isinstance(row.values, str):
                yield row
            else:
                yield Row(row.line, beside | _discussion(row.values))


def module_row(opened: Opened, name: str) -> Iterator[Row]:
    """Yield whether an activity is shown."""
    with opened() as file:
        for row in xml_rows.rows(file, ("module", "visible")):
            if not isinstance(row.values, str):
                yield Row(1, {"moodle_folder": folder_of(name), **row.values})


def _text(opened: Opened, name: str) -> str:
    with opened() as file:
        row = next(xml_rows.rows(file, (*_FORUM, name)), None)
    return "" if row is None or isinstance(row.values, str) else str(row.values.get(name, ""))


def _discussion(values: Mapping[str, Any]) -> dict[str, Any]:
    posts = values.get("posts")
    some = [one for one in posts if isinstance(one, dict)] if isinstance(posts, list) else []
    first = next((one for one in some if one.get("id") == values.get("firstpost")), None)
    return {
        "moodle_id": values.get("id"),
        "moodle_first": first or {},
        **{name: values.get(name) for name in ("name", "userid", "groupid")},
    }
