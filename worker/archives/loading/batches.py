"""The batches of an archive: the records that are stored in one transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter

from db.imports.incoming import Incoming
from db.imports.links import Label
from db.imports.parts import KnownPart, digest_of
from db.questions.rows import NewQuestion
from worker.archives.loading.at_once import questions_of
from worker.archives.readers.records import (
    Block,
    Hidden,
    KnownPair,
    Piece,
    Record,
    Reject,
    Same,
    SourceQuestion,
    length,
)
from worker.text.cuts import NO_CUTS, Cuts
from worker.text.intake import FieldError, question_of
from worker.text.normal import TextFields

BATCH = 5_000
_BATCH_CHARS = 4 << 20


@dataclass(slots=True)
class Batch:
    """The content of one transaction; *position* counts the records of the file up to its end."""

    position: int
    questions: dict[str, NewQuestion] = field(default_factory=dict)
    many: list[Incoming] = field(default_factory=list)
    """The questions of blocks, by column."""
    same: Same | None = None
    """Rows that an earlier archive had too. They are skipped if their questions are unchanged."""
    part: KnownPart | None = None
    """The result of those rows in an earlier archive."""
    parts: list[tuple[bytes, KnownPart, frozenset[str]]] = field(default_factory=list)
    """For each block: the digest of its rows, their result, and the ids of its questions."""
    kept: Incoming = field(default_factory=lambda: Incoming.of([]))
    """The questions to store: of each id that of its first row."""
    labels: list[Label] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    repeated: int = 0
    repeated_ids: frozenset[str] = frozenset()
    """Ids that an earlier batch of this file had: the first row of an id is kept."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Values of optional fields that could not be used, by field."""

    def incoming(self) -> Incoming:
        """Return all questions of the batch."""
        return Incoming.joined([Incoming.of(list(self.questions.values())), *self.many])

    def keep(self, repeated_ids: frozenset[str]) -> None:
        """Choose the questions to store: all but the repeated ones."""
        incoming = self.incoming()
        self.repeated_ids = repeated_ids
        self.kept = incoming
        if repeated_ids:
            self.kept = incoming.picked([one not in repeated_ids for one in incoming.ids])
        self.repeated += len(incoming) - len(self.kept)

    def read_after_all(self, text_fields: str, cuts: Cuts) -> "Batch":
        """Return the batch with its known rows read again."""
        pieces = self.same.read() if self.same is not None else []
        whole = prepared(pieces, text_fields, self.position, cuts)
        whole.keep(self.repeated_ids)
        return whole

    @property
    def ids(self) -> Sequence[str]:
        """Return the ids of all questions, also of the rows that are not read again."""
        same = () if self.same is None else self.same.external_ids
        return [*same, *self.questions, *chain.from_iterable(one.ids for one in self.many)]

    def counts(self) -> dict[str, int]:
        """Return the further counts of the batch, by name."""
        counts = Counter(f"hidden: {one.reason}" for one in self.hidden)
        counts.update({f"dropped: {name}": count for name, count in self.dropped.items()})
        if self.hidden:
            counts["hidden"] = len(self.hidden)
        return dict(counts)


def check(records: Iterable[Piece]) -> tuple[Counter[str], list[Reject]]:
    """Return the numbers of `rows`, of `questions` and `labels` to store, and the rejects."""
    counts: Counter[str] = Counter()
    rejects: list[Reject] = []
    for part in batches_of(iter(records)):
        batch = prepared(part, TextFields.TITLE, 0)
        counts["rows"] += sum(map(length, part))
        counts["questions"] += len(batch.incoming())
        counts["labels"] += len(batch.labels)
        rejects += batch.rejects
    return counts, rejects


def ids_of(records: Sequence[Record]) -> list[str]:
    """Return the ids of the questions among *records*."""
    return [one.external_id for one in records if isinstance(one, SourceQuestion)]


def batches_of(records: Iterator[Piece]) -> Iterator[list[Piece]]:
    """Yield *records* in lists of about `BATCH`, shorter where texts are long.

    A list has either blocks, no two with an id in common, or one `Same`, or other records.
    """
    gathered = _Gathered()
    for record in records:
        if not gathered.takes(record):
            yield gathered.found
            gathered = _Gathered()
            gathered.takes(record)
        if gathered.is_full:
            yield gathered.found
            gathered = _Gathered()
    if gathered.found:
        yield gathered.found


class _Gathered:
    """Collects a batch, because a transaction costs as much as storing hundreds of rows."""

    def __init__(self) -> None:
        self.found: list[Piece] = []
        self._kind: type = object
        self._ids: set[str] = set()
        self._rows = self._chars = 0

    @property
    def is_full(self) -> bool:
        """Return whether there is no room for another record."""
        return self._rows >= BATCH or self._chars >= _BATCH_CHARS

    def takes(self, piece: Piece) -> bool:
        """Take *piece* and return True, unless it needs another batch or there is no room."""
        kind = type(piece) if isinstance(piece, (Block, Same)) else Reject
        rows, chars = length(piece), _chars(piece)
        ids = _ids_of_block(piece) if isinstance(piece, Block) else []
        is_over = rows > 1 and (self._rows + rows > BATCH or self._chars + chars > _BATCH_CHARS)
        is_other = kind is not self._kind or kind is Same
        if self.found and (is_other or is_over or not self._ids.isdisjoint(ids)):
            return False
        self.found.append(piece)
        self._kind = kind
        self._ids.update(ids)
        self._rows += rows
        self._chars += chars
        return True


def _chars(piece: Piece) -> int:
    if isinstance(piece, SourceQuestion):
        return len(piece.title) + len(piece.body)
    if isinstance(piece, Block):
        return sum(map(len, piece.titles)) + sum(map(len, piece.bodies))
    return 0


def _ids_of_block(block: Block) -> list[str]:
    beside = [
        one.external_id for _, one in block.others if isinstance(one, (SourceQuestion, Hidden))
    ]
    return [*block.external_ids, *filter(None, beside)]


def prepared(
    records: Iterable[Piece], text_fields: str, position: int, cuts: Cuts = NO_CUTS
) -> Batch:
    """Return the batch of *records*, which must be a list from `batches_of`."""
    batch = Batch(position)
    _add(batch, records, text_fields, cuts)
    return batch


def _add(batch: Batch, records: Iterable[Piece], text_fields: str, cuts: Cuts) -> None:
    for record in records:
        if isinstance(record, Same):
            batch.same = record
            _add(batch, (one for _, one in record.others), text_fields, cuts)
        elif isinstance(record, Block):
            _add_block(batch, record, text_fields, cuts)
        elif isinstance(record, SourceQuestion):
            _add_question(batch, record, text_fields, cuts)
        elif isinstance(record, KnownPair):
            batch.labels.append(_label(record))
        elif isinstance(record, Hidden):
            batch.hidden.append(record)
        else:
            batch.rejects.append(record)


def _add_block(batch: Batch, block: Block, text_fields: str, cuts: Cuts) -> None:
    incoming, odd = questions_of(block, text_fields=text_fields, cuts=cuts)
    batch.many.append(incoming)
    repeated = batch.repeated
    alone = [(block.places[at], block.question(at)) for at in sorted(odd)]
    others = sorted([*block.others, *alone], key=itemgetter(0))
    _add(batch, (record for _, record in others), text_fields, cuts)
    if block.digest is not None and batch.repeated == repeated:
        rows = []
        if odd or len(block.places) < block.rows:
            plain = {place for at, place in enumerate(block.places) if at not in odd}
            rows = sorted(set(range(block.rows)) - plain)
        known = KnownPart(stored_digest=digest_of(incoming), odd=rows)
        batch.parts.append((block.digest, known, frozenset(incoming.ids)))


def _label(pair: KnownPair) -> Label:
    return Label(
        first_id=pair.first_id,
        second_id=pair.second_id,
        is_duplicate=pair.is_duplicate,
        canonical_id=pair.canonical_id,
    )


def _add_question(batch: Batch, source: SourceQuestion, text_fields: str, cuts: Cuts) -> None:
    batch.dropped.update(one.field for one in source.dropped)
    known = batch.questions.get(source.external_id)
    if known is not None and known.title == source.title:
        batch.repeated += 1
        return
    try:
        question = question_of(source, text_fields=text_fields, cuts=cuts)
    except FieldError as error:
        batch.rejects.append(Reject(source.line, str(error)))
        return
    if known is not None and known.title != question.title:
        batch.rejects.append(Reject(source.line, "the id is used twice, with another question"))
        return
    batch.questions[source.external_id] = question
