"""Counts what an import kept out or dropped, with an example of each kind."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

from rich.console import Console

from db.wording import counted
from worker.archives.databases import DatabaseArchive
from worker.archives.readers import Archive, Block, Hidden, Piece, Record, Same, SourceQuestion

console = Console(stderr=True)
_KINDS_SHOWN = 12


class Tally:
    """Counts of hidden questions and dropped values, by kind."""

    def __init__(self) -> None:
        self.hidden: Counter[str] = Counter()
        self.dropped: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], str] = {}

    def watched(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Yield *pieces* and count what is in them."""
        for piece in pieces:
            if isinstance(piece, (Block, Same)):
                for _, record in piece.others:
                    self._count(record)
            else:
                self._count(piece)
            yield piece

    def _count(self, record: Record) -> None:
        if isinstance(record, Hidden):
            self.hidden[record.reason] += 1
        elif isinstance(record, SourceQuestion):
            for one in record.dropped:
                kind = (one.field, one.reason)
                self.dropped[kind] += 1
                self._examples.setdefault(kind, f"line {record.line}: {one.example}")

    def sentences(self, passed_over: int) -> Iterator[str]:
        """Yield a sentence for each kind; *passed_over* counts rows that are no questions."""
        if passed_over:
            rows = counted(passed_over, "row is no question", "rows are no questions")
            yield f"{rows} (an answer, for example): skipped."
        for reason, count in self.hidden.most_common():
            hidden = counted(count, "hidden question was", "hidden questions were")
            yield f"{hidden} kept out: {reason}."
        for (field, reason), count in self.dropped.most_common(_KINDS_SHOWN):
            example = self._examples[field, reason]
            yield f"{counted(count, 'question')} imported without {field}: {reason} ({example})"


def tell(tally: Tally, archive: Archive | DatabaseArchive) -> None:
    """Print how many rows were skipped, kept out or imported without a value."""
    passed_over = archive.passed_over if isinstance(archive, Archive) else 0
    left_over = archive.left_over() if isinstance(archive, Archive) else ()
    for line in chain(tally.sentences(passed_over), left_over):
        console.print(line, highlight=False, markup=False)
