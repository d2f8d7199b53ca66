"""Reading archives: each format becomes one stream of questions, links and rejects."""

from worker.archives.readers.archive import Archive, open_archive, open_stream
from worker.archives.readers.records import KnownPair, Record, Reject, SourceQuestion

__all__ = [
    "Archive",
    "KnownPair",
    "Record",
    "Reject",
    "SourceQuestion",
    "open_archive",
    "open_stream",
]
