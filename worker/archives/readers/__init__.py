"""Reads archives: each format becomes one stream of questions, links and rejects.

From top to bottom: `archive` (opened by callers) -> `recognise` (which table has the questions) ->
`ids`, `places` and `shown` (what its values say) -> `tables` (the tables of a file) -> `forms` (its
format), `makers` and `nested` (making the tables) -> `table` -> `sources` (files, folders, members
of packed files) -> `documents` and `tabular` (formats) -> `containers` (bytes) and `meaning` (rows)
-> `records` -> `values`.
"""

from worker.archives.readers.archive import Archive, Means, open_archive, open_stream
from worker.archives.readers.records import (
    Block,
    Hidden,
    KnownPair,
    Memory,
    Piece,
    Record,
    Reject,
    Same,
    SourceQuestion,
)

__all__ = [
    "Archive",
    "Block",
    "Hidden",
    "KnownPair",
    "Means",
    "Memory",
    "Piece",
    "Record",
    "Reject",
    "Same",
    "SourceQuestion",
    "open_archive",
    "open_stream",
]
