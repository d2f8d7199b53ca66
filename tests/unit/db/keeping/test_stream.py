"""A backup's file gives back what was written, and a damaged one is refused."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.keeping import stream
from db.keeping.stream import (
    END,
    MANIFEST,
    Reader,
    TableReader,
    TableWriter,
    UnreadableBackupError,
    Writer,
    Written,
)

COPIES = st.lists(st.binary(max_size=60), max_size=8)


def written(**tables: list[bytes]) -> tuple[bytes, dict[str, Written]]:
    """Return a backup with these tables, each copied in these pieces."""
    target, told = io.BytesIO(), {}
    writer = Writer(target)
    writer.add_json(MANIFEST, {"format": stream.FORMAT})
    for table, pieces in tables.items():
        part = TableWriter(writer, table)
        for piece in pieces:
            assert part.write(piece) == len(piece)
        told[table] = part.finish()
    writer.add_json(END, {"tables": len(tables)})
    writer.close()
    return target.getvalue(), told


def read(reader: Reader, table: str, *, size: int) -> tuple[bytes, Written]:
    part = TableReader(reader.parts(table))
    found = b"".join(iter(lambda: part.read(size), b""))
    return found, part.finish()


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_PART", 50)


@given(COPIES, COPIES, st.integers(1, 70))
@settings(max_examples=60)
def test_tables_come_back_byte_by_byte_however_they_are_cut(
    one: list[bytes], other: list[bytes], size: int
) -> None:
    file, told = written(questions=one, pairs=other)

    reader = Reader(io.BytesIO(file))

    assert reader.next_json(MANIFEST) == {"format": stream.FORMAT}
    for table, pieces in (("questions", one), ("pairs", other)):
        assert read(reader, table, size=size) == (b"".join(pieces), told[table])
    assert reader.next_json(END) == {"tables": 2}


@given(COPIES, COPIES)
@settings(max_examples=60)
def test_a_digest_tells_one_copy_from_another_and_not_how_it_was_cut(
    one: list[bytes], other: list[bytes]
) -> None:
    whole, *others = (written(t=pieces)[1]["t"] for pieces in (one, [b"".join(one)], other))

    assert whole == others[0]
    assert (whole == others[1]) is (b"".join(one) == b"".join(other))


def test_a_table_that_is_asked_for_out_of_turn_has_no_parts() -> None:
    reader = Reader(io.BytesIO(written(questions=[b"x"], pairs=[b"y"])[0]))
    reader.next_json(MANIFEST)

    assert list(reader.parts("pairs")) == []
    assert list(reader.parts("questions")) == [b"x"]
    assert list(reader.parts("pairs")) == [b"y"]


@given(st.integers(0, 100))
@settings(max_examples=40)
def test_a_file_that_is_cut_anywhere_is_refused(percent: int) -> None:
    file, _ = written(questions=[b"some rows" * 40])
    end = len(file.rstrip(b"\0"))  # after it there is only padding
    cut = file[: end * percent // 101]

    with pytest.raises(UnreadableBackupError):
        _read_all(cut)


@given(st.data())
@settings(max_examples=60)
def test_a_byte_that_changed_is_refused_or_shows_in_the_digest(data: st.DataObject) -> None:
    file, told = written(questions=[b"some rows" * 40])
    end = len(file.rstrip(b"\0"))
    place = data.draw(st.integers(0, end - 1))
    changed = bytearray(file)
    changed[place] ^= data.draw(st.integers(1, 255))

    try:
        manifest, found, ended = _read_all(bytes(changed))
    except UnreadableBackupError:
        return
    if found != (b"some rows" * 40, told["questions"]):
        assert found[1] != told["questions"]
    assert isinstance(manifest, dict)
    assert isinstance(ended, dict)


def _read_all(file: bytes) -> tuple[object, tuple[bytes, Written], object]:
    reader = Reader(io.BytesIO(file))
    manifest = reader.next_json(MANIFEST)
    return manifest, read(reader, "questions", size=99), reader.next_json(END)


@pytest.mark.parametrize("other", [b"", b"PGDMP", b"{}" * 600, json.dumps({}).encode()])
def test_another_file_is_no_backup(other: bytes) -> None:
    with pytest.raises(UnreadableBackupError, match=r"not a backup|not complete"):
        _read_all(other)
