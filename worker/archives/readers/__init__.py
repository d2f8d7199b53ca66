"""Reading archives: each format becomes one stream of questions, links and rejects."""

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
