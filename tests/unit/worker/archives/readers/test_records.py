"""Records, singly or many at once: nothing is lost, and the order is that of the file."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.questions.rows import NO_FACTS, Facts
from worker.archives.readers.records import (
    Block,
    Hidden,
    KnownPair,
    Peeked,
    Piece,
    Record,
    Reject,
    Same,
    SourceQuestion,
    UnreadableArchiveError,
    length,
    refuse_bomb,
    singly,
)

MIB = 1 << 20


def question(line: int) -> SourceQuestion:
    moment = datetime(2024, 5, 1, 12, 0, line % 60, tzinfo=UTC) if line % 2 else None
    return SourceQuestion(
        f"q{line}",
        f"Why {line}?",
        "body" * (line % 3),
        url="https://a.example" if line % 3 else None,
        category=None,
        author="ana",
        asked_at=moment,
        facts=Facts(votes=line) if line % 4 == 0 else NO_FACTS,
        updated_at=None,
        line=line,
    )


def other(line: int) -> Record:
    kinds: tuple[Record, ...] = (
        Reject(line, "cannot be read"),
        Hidden(line, "deleted", f"q{line}"),
        KnownPair(line, "a", "b"),
    )
    return kinds[line % 3]


def block(records: list[Record]) -> Block:
    """Return *records*, of which the questions stand by column."""
    held = [(at, one) for at, one in enumerate(records) if isinstance(one, SourceQuestion)]
    questions = [one for _, one in held]
    return Block(
        places=[at for at, _ in held],
        rows=len(records),
        lines=[one.line for one in questions],
        external_ids=[one.external_id for one in questions],
        titles=[one.title for one in questions],
        bodies=[one.body for one in questions],
        urls=[one.url for one in questions],
        categories=[one.category for one in questions],
        authors=[one.author for one in questions],
        asked_at=[one.asked_at.isoformat() if one.asked_at else None for one in questions],
        facts=[one.facts for one in questions],
        updated_at=[None for _ in questions],
        others=[(at, one) for at, one in enumerate(records) if not isinstance(one, SourceQuestion)],
    )


RECORDS = st.lists(st.booleans(), max_size=12).map(
    lambda kinds: [question(n) if is_one else other(n) for n, is_one in enumerate(kinds, start=1)]
)


@given(RECORDS)
def test_a_block_has_its_records_in_the_order_of_their_rows(records: list[Record]) -> None:
    made = block(records)

    assert list(made) == records
    assert len(made) == length(made) == len(records)


def pieces(groups: list[list[Record]]) -> list[Piece]:
    """Return records one by one, by column, or as rows that an archive had before, in turn."""
    found: list[Piece] = []
    for place, records in enumerate(groups):
        if place % 3 == 0:
            found += records
        elif place % 3 == 1:
            found.append(block(records))
        else:
            ids = [one.external_id for one in records if isinstance(one, SourceQuestion)]
            rest = [
                (at, one) for at, one in enumerate(records) if not isinstance(one, SourceQuestion)
            ]
            read: list[Record | Block] = [*records[:2], block(records[2:])]
            found.append(Same(digest=b"", external_ids=ids, others=rest, read=lambda r=read: r))  # type: ignore[misc]
    return found


@given(st.lists(RECORDS, max_size=6))
def test_pieces_of_every_kind_give_their_records_one_by_one(groups: list[list[Record]]) -> None:
    found = pieces(groups)

    assert list(singly(found)) == [one for records in groups for one in records]
    assert sum(map(length, found)) == sum(map(len, groups))


@given(st.lists(RECORDS, max_size=5), st.integers(0, 20), st.integers(0, 20))
def test_a_sample_takes_nothing_away_however_often_it_is_taken(
    groups: list[list[Record]], first: int, second: int
) -> None:
    whole = [one for records in groups for one in records]
    read = Peeked()
    read._pieces = iter(pieces(groups))  # noqa: SLF001  # its readers set it

    assert read.sample(first) == whole[:first]
    assert read.sample(second) == whole[:second]
    assert list(read) == whole


def test_pieces_that_were_looked_at_are_still_whole() -> None:
    read = Peeked()
    made = block([question(1), other(2), question(3)])
    read._pieces = iter([made])  # noqa: SLF001

    read.sample(1)

    assert list(read.pieces()) == [made]


@pytest.mark.parametrize(
    ("size", "packed", "is_refused"),
    [
        (64 * MIB, 1, False),
        (64 * MIB + 1, 1, True),
        (250 * MIB, MIB, False),
        (250 * MIB + 1, MIB, True),
        (10**12, 10**12, False),
    ],
)
def test_a_bomb_is_what_grows_to_more_than_250_times_its_size(
    size: int, packed: int, *, is_refused: bool
) -> None:
    if is_refused:
        with pytest.raises(UnreadableArchiveError, match="250 times"):
            refuse_bomb(size, packed)
    else:
        refuse_bomb(size, packed)


@given(st.text(max_size=2_000))
def test_what_a_file_makes_of_an_error_is_one_short_line(text: str) -> None:
    said = str(UnreadableArchiveError(text))

    assert len(said) <= 600
    assert said.isprintable()


def test_an_error_without_words_says_what_it_is() -> None:
    assert str(UnreadableArchiveError()) == "The file cannot be read as an archive of questions."
