"""Reading archives: each format becomes one stream of questions, links and rejects.

From the top: `archive` (what callers open) -> `recognise` (which table holds the questions) ->
`tables` (which tables lie in a file) -> `forms` (its format), `makers` and `nested` (its tables) ->
`table` -> `sources` (files, folders, members of packed files) -> `documents` and `tabular`
(formats) -> `containers` (bytes) and `meaning` (rows) -> `records` -> `values`.
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
