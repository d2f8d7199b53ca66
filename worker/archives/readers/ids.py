"""Finds the ids of an unknown table in a column that is only sometimes one of ids."""

import re
from collections.abc import Collection, Sequence
from itertools import islice

from worker.archives.readers.meaning.columns import plain_name
from worker.archives.readers.records import UnreadableArchiveError, each_row
from worker.archives.readers.table import Table
from worker.archives.readers.values.conditions import NULLS, value_at

_SAMPLED = 20_000
_FILES, _OF_EACH = 20, 1_000
_ABOUT = (
    "(?:faq|article|message|msg|case|ticket|item|question|q|topic|thread|post|record|entry|doc"
    "|document|object|node|content|kb|sys|external|original|source|legacy|old|remote|reference|ref"
    "|conversation|discussion|idea|suggestion|task|page|qa)?"
)
_FORM = re.compile(
    rf"{_ABOUT}(?:id|no|num|number|nr|code|key|ref|uid|identifier)|reference|ref|ident|slug|hash"
    "|idnumber|ticket|case|row?id"
)


def unique(tables: Sequence[Table], taken: Collection[str]) -> str | None:
    """Return the first column whose name may be of ids, and whose values all differ; or None.

    Columns that are *taken* have another meaning.
    """
    names = [name for name in tables[0].columns if name not in taken]
    names = [name for name in names if _FORM.fullmatch(plain_name(name))]
    seen: dict[str, set[str]] = {name: set() for name in names}
    for table in tables if names else ():
        for row in islice(table.rows(), _SAMPLED):
            if isinstance(row.values, str):
                continue
            for name, values in list(seen.items()):
                text = _text(value_at(row.values, name))
                if text in NULLS or text in values:
                    del seen[name]
                values.add(text)
            if not seen:
                return None
    return next((name for name, values in seen.items() if values), None)


def refuse_shared(tables: Sequence[Table], paths: Sequence[str]) -> None:
    """Raise `UnreadableArchiveError` if files give the same ids to different questions.

    *paths* are the columns of id and title. Parts of one export may overlap, but then most
    questions that have the same id are the same.
    """
    seen: dict[str, tuple[int, str]] = {}
    shared = different = 0
    for number, read in enumerate(
        part for table in tables[:_FILES] for part in table.parts[:_FILES]
    ):
        for row in islice(each_row(read(paths)), _OF_EACH):
            values = {} if isinstance(row.values, str) else row.values
            own_id, title = (_text(value_at(values, path)) for path in paths)
            first, known = seen.setdefault(own_id, (number, title))
            if own_id and first != number:
                shared, different = shared + 1, different + (known != title)
    if different > shared / 2:
        names = " and ".join(dict.fromkeys(one.name for one in tables[:2]))
        raise UnreadableArchiveError(
            f"the files ({names}) have the same ids for different questions: import them without"
            " ids, with --map id="
        )


def _text(value: object) -> str:
    is_simple = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return str(value).strip().lower() if is_simple else ""
