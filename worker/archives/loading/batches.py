"""The batches of an archive: what of its records is stored in one transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from db.imports.incoming import Incoming
from db.imports.links import Label
from db.imports.parts import KnownPart
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
    """What is stored in one transaction, up to a position of the file."""

    position: int
    questions: dict[str, NewQuestion] = field(default_factory=dict)
    many: list[Incoming] = field(default_factory=list)
    """Questions by column, of blocks."""
    same: Same | None = None
    """Rows of which nothing is new, if what is stored of them is as it was."""
    part: KnownPart | None = None
    """What an earlier archive had of those rows."""
    digest: bytes | None = None
    """Of the rows of a block, by which they are known again."""
    odd: Sequence[int] = ()
    """Places of those of its rows that are read alone."""
    kept: Incoming = field(default_factory=lambda: Incoming.of([]))
    """Questions that are stored: of each id those of its first row."""
    labels: list[Label] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    repeated: int = 0
    repeated_ids: frozenset[str] = frozenset()
    """Ids that an earlier batch of this file had: the first row of an id stays."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Values of optional fields that could not be used, by field."""

    def incoming(self) -> Incoming:
        """Return all questions of the batch."""
        whole = Incoming.of(list(self.questions.values()))
        for one in self.many:
            whole = whole.joined(one)
        return whole

    def keep(self, repeated_ids: frozenset[str]) -> None:
        """Keep the questions without those that are repeated."""
        incoming = self.incoming()
        self.repeated_ids = repeated_ids
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
        """Return the ids of all questions, also of those that are not read again."""
        same = () if self.same is None else self.same.external_ids
        return [*same, *self.incoming().ids]

    def counts(self) -> dict[str, int]:
        """Return the further counts of the batch, by name."""
        counts = Counter(f"hidden: {one.reason}" for one in self.hidden)
        counts.update({f"dropped: {name}": count for name, count in self.dropped.items()})
        if self.hidden:
            counts["hidden"] = len(self.hidden)
        return dict(counts)


def check(records: Iterable[Piece]) -> tuple[Counter[str], list[Reject]]:
    """Return how many `rows` there are, of them `questions` and `labels` to store, and rejects."""
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
    """Yield *records* in lists of `BATCH`, shorter where texts are long; a block comes alone."""
    part: list[Piece] = []
    chars = 0
    for record in records:
        if isinstance(record, (Block, Same)):
            if part:
                yield part
            yield [record]
            part, chars = [], 0
            continue
        part.append(record)
        if isinstance(record, SourceQuestion):
            chars += len(record.title) + len(record.body)
        if len(part) >= BATCH or chars >= _BATCH_CHARS:
            yield part
            part, chars = [], 0
    if part:
        yield part


def prepared(
    records: Iterable[Piece], text_fields: str, position: int, cuts: Cuts = NO_CUTS
) -> Batch:
    """Return what of *records* is stored; a block must be alone among them."""
    batch = Batch(position)
    _add(batch, records, text_fields, cuts)
    return batch


def _add(batch: Batch, records: Iterable[Piece], text_fields: str, cuts: Cuts) -> None:
    for record in records:
        if isinstance(record, Same):
            batch.same = record
            _add(batch, (one for _, one in record.others), text_fields, cuts)
        elif isinstance(record, Block):
            _let_in_many(batch, record, text_fields, cuts)
        elif isinstance(record, SourceQuestion):
            _let_in(batch, record, text_fields, cuts)
        elif isinstance(record, KnownPair):
            batch.labels.append(_label(record))
        elif isinstance(record, Hidden):
            batch.hidden.append(record)
        else:
            batch.rejects.append(record)


def _let_in_many(batch: Batch, block: Block, text_fields: str, cuts: Cuts) -> None:
    """Let in a block, which stands alone in its batch."""
    incoming, odd = questions_of(block, text_fields=text_fields, cuts=cuts)
    batch.many.append(incoming)
    batch.digest = block.digest
    alone = [(block.places[at], block.question(at)) for at in sorted(odd)]
    others = sorted([*block.others, *alone], key=itemgetter(0))
    plain = {block.places[at] for at in range(len(block.places)) if at not in odd}
    batch.odd = [at for at in range(block.rows) if at not in plain]
    _add(batch, (record for _, record in others), text_fields, cuts)


def _label(pair: KnownPair) -> Label:
    return Label(
        first_id=pair.first_id,
        second_id=pair.second_id,
        is_duplicate=pair.is_duplicate,
        canonical_id=pair.canonical_id,
    )


def _let_in(batch: Batch, source: SourceQuestion, text_fields: str, cuts: Cuts) -> None:
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
