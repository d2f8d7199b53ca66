"""What an import kept out or dropped is counted by its kind, with one example each."""

from typing import Any

from cli.archives.tally import Tally
from worker.archives.readers import Block, Hidden, Reject, Same, SourceQuestion
from worker.archives.readers.records import KnownPair, Record
from worker.archives.readers.values.texts import Dropped


def question(line: int, *dropped: Dropped) -> SourceQuestion:
    return SourceQuestion(str(line), "Egg?", line=line, dropped=dropped)


def bad_date(example: str) -> Dropped:
    return Dropped("asked_at", "is no date", example)


def told(*pieces: Any, passed_over: int = 0) -> list[str]:
    tally = Tally()
    assert list(tally.watched(pieces)) == list(pieces)
    return list(tally.sentences(passed_over))


def test_nothing_to_tell_is_nothing() -> None:
    assert told(question(1), Reject(2, "broken"), KnownPair(3, "a", "b")) == []


def test_each_kind_is_told_once_with_its_first_example() -> None:
    lines = told(
        question(3, bad_date("yesterday")),
        question(4, bad_date("soon"), Dropped("url", "is no address", "x")),
    )

    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert "asked_at: is no date (line 3: yesterday)" in lines[0]
    assert "url: is no address (line 4: x)" in lines[1]


def test_hidden_rows_are_counted_by_their_reason_the_most_frequent_first() -> None:
    lines = told(Hidden(1, "deleted"), Hidden(2, "private"), Hidden(3, "private"))

    assert [(line.split()[0], line.rpartition(": ")[2]) for line in lines] == [
        ("2", "private."),
        ("1", "deleted."),
    ]


def test_rows_of_a_block_are_counted_like_single_ones() -> None:
    others: list[tuple[int, Record]] = [(0, Hidden(1, "deleted")), (1, question(2, bad_date("x")))]
    columns: dict[str, Any] = dict.fromkeys(
        ("places", "lines", "external_ids", "titles", "bodies", "urls", "categories", "authors"),
        (),
    )
    block = Block(**columns, rows=2, asked_at=(), facts=(), updated_at=(), others=others)
    same = Same(digest=b"", external_ids=(), others=others, read=list)

    assert told(block, same) == told(*(record for _, record in 2 * others))


def test_rows_that_are_no_questions_are_told_first() -> None:
    assert told(passed_over=1)[0].startswith("1 row is no question ")
    assert told(passed_over=2_000)[0].startswith("2,000 rows are no questions ")


def test_kinds_without_number_are_not_all_told() -> None:
    pieces = [question(n, Dropped(f"field {n}", "is wrong", "x")) for n in range(50)]

    assert len(told(*pieces)) == 12
