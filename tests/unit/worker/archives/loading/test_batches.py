"""Batches: what is stored together, and which ids came before."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.loading import batches, seen
from worker.archives.loading.batches import batches_of
from worker.archives.loading.seen import SeenIds
from worker.archives.readers.meaning.by_column import ByColumn
from worker.archives.readers.meaning.reading import Plan, Reading, Wishes
from worker.archives.readers.records import Block, Hidden, Piece, Row, SourceQuestion, singly

_lists = st.lists(st.lists(st.integers(0, 30).map(str), unique=True, max_size=9), max_size=40)


def block(*ids: str, hidden: Sequence[str] = ()) -> Block:
    """Return a block of questions with these ids, and rows that are hidden."""
    rows = [Row(at, {"id": one, "title": f"Why {one}?"}) for at, one in enumerate(ids)]
    plan = Plan(fields={"id": ("id",), "title": ("title",)})
    (found,) = ByColumn(Reading(plan, Wishes())).pieces(iter(rows))
    assert isinstance(found, Block)
    others = [(len(ids) + at, Hidden(at, "private", one)) for at, one in enumerate(hidden)]
    return Block(**{name: getattr(found, name) for name in Block.__slots__} | {"others": others})


@given(_lists)
def test_blocks_are_stored_together_unless_they_share_an_id(lists: list[list[str]]) -> None:
    blocks: list[Piece] = [block(*ids) for ids in lists if ids]

    found = list(batches_of(iter(blocks)))

    assert [piece for part in found for piece in part] == blocks
    for part in found:
        ids = [one.external_id for one in singly(part) if isinstance(one, SourceQuestion)]
        assert len(ids) == len(set(ids))


def test_what_one_block_hides_another_does_not_show_in_the_same_batch() -> None:
    pieces: list[Piece] = [block("1", hidden=["2"]), block("2"), block("3")]

    assert [len(part) for part in batches_of(iter(pieces))] == [1, 2]


def test_no_batch_of_blocks_is_larger_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 5)
    pieces: list[Piece] = [block(str(at), f"{at}b") for at in range(5)]

    assert [len(part) for part in batches_of(iter(pieces))] == [2, 2, 1]


def test_single_records_and_blocks_stand_apart_in_their_order() -> None:
    single = SourceQuestion("9", "Who?")
    pieces: list[Piece] = [single, block("1"), single, single, block("2")]

    assert [len(part) for part in batches_of(iter(pieces))] == [1, 1, 2, 1]


@given(_lists)
def test_ids_are_known_that_came_before(lists: list[list[str]]) -> None:
    ids, before = SeenIds(), set[str]()

    for some in lists:
        assert ids.add(some) == [one in before for one in some]
        before |= set(some)


def test_ids_that_share_a_mark_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "_MARKS", 4)
    ids = SeenIds()

    first = ids.add([str(at) for at in range(100)])
    again = ids.add(["5", "205", "7"])

    assert not any(first)
    assert again == [True, False, True]
