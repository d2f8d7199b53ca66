"""Reading archives: each format becomes one stream of questions, links and rejects."""

from worker.archives.readers.archive import Archive, Means, open_archive, open_stream
from worker.archives.readers.records import (
    Block,
    Hidden,
    KnownPair,
    Piece,
    Record,
    Reject,
    SourceQuestion,
)

__all__ = [
    "Archive",
    "Block",
    "Hidden",
    "KnownPair",
    "Means",
    "Piece",
    "Record",
    "Reject",
    "SourceQuestion",
    "open_archive",
    "open_stream",
]
