"""Finds the names of the columns in tables that begin with a title, notes or empty lines."""

from collections.abc import Sequence

from worker.archives.readers.meaning.columns import names_questions

_FEWEST = 2


def header_place(rows: Sequence[Sequence[str]]) -> int:
    """Return the place of the row, among *rows* split into cells, with the names of the columns.

    It is the first row that names a question and has at least two filled cells, more than all rows
    before it. If there is no such row, it is the first row that is not empty.
    """
    first = next((place for place, row in enumerate(rows) if any(row)), 0)
    widest = 0
    for place, row in enumerate(rows[first:], start=first):
        filled = sum(1 for cell in row if cell)
        if filled >= _FEWEST and filled > widest and names_questions(row):
            return place
        if row[:1] and not row[0].startswith("#"):
            widest = max(widest, filled)
    return first
