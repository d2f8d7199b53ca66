"""Reading archives: each format becomes one stream of questions, links and rejects."""

from worker.archives.readers.archive import Archive, Means, open_archive, open_stream
from worker.archives.readers.records import Hidden, KnownPair, Record, Reject, SourceQuestion

__all__ = [
    "Archive",
    "Hidden",
    "KnownPair",
    "Means",
    "Record",
    "Reject",
    "SourceQuestion",
    "open_archive",
    "open_stream",
]
