"""Parquet: rows come back by column, in small parts, and only those that are asked for."""

import io
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.records import RECORD_LIMIT, ManyRows, UnreadableArchiveError, each_row
from worker.archives.readers.tabular.parquet import ParquetRows

MOMENT = datetime(2024, 5, 1, 9, tzinfo=UTC)
TEXTS = st.text("aZ?\u00e9\u4e2d", max_size=5) | st.none()


def written(table: pa.Table, **how: object) -> io.BytesIO:
    out = io.BytesIO()
    pq.write_table(table, out, **how)
    out.seek(0)
    return out


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(TEXTS, st.integers(-5, 5)), max_size=6), repeat=st.integers(1, 30))
def test_rows_come_back_and_are_numbered(rows: list[tuple[str | None, int]], repeat: int) -> None:
    some = rows * repeat
    table = pa.table(
        {"title": pa.array([one for one, _ in some], pa.string()), "id": [two for _, two in some]}
    )

    found = list(each_row(ParquetRows(written(table)).rows(["id", "title"])))

    assert [row.line for row in found] == list(range(1, len(some) + 1))
    assert [row.values for row in found] == [{"title": one, "id": two} for one, two in some]


def test_only_the_columns_that_are_asked_for_are_read() -> None:
    table = pa.table({"title": ["Why?"], "embedding": [[1.0, 2.0]], "id": [1]})
    reader = ParquetRows(written(table))

    assert reader.header == ["title", "embedding", "id"]
    assert [row.values for row in each_row(reader.rows({"title", "other"}))] == [{"title": "Why?"}]


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (pa.timestamp("ns", "UTC"), 1_714_554_000_123_456_789, MOMENT.replace(microsecond=123456)),
        (pa.timestamp("s"), 1_714_554_000, MOMENT.replace(tzinfo=None)),
        (pa.large_string(), "Why?", "Why?"),
        (pa.bool_(), True, True),
        (pa.list_(pa.string()), ["a", "b"], ["a", "b"]),
        (pa.dictionary(pa.int8(), pa.string()), "Why?", "Why?"),
        (pa.null(), None, None),
    ],
)  # fmt: skip
def test_values_of_every_kind_are_those_of_python(
    kind: pa.DataType, value: object, read: object
) -> None:
    table = pa.table({"x": pa.array([value], kind)})

    assert [row.values for row in each_row(ParquetRows(written(table)).rows(["x"]))] == [
        {"x": read}
    ]


def test_a_row_that_is_too_large_goes_alone() -> None:
    texts = ["Why?", "x" * (RECORD_LIMIT + 1), "How?"]
    reader = ParquetRows(written(pa.table({"title": texts}), compression="none"))

    assert [(row.line, row.values) for row in each_row(reader.rows(["title"]))] == [
        (1, {"title": "Why?"}),
        (2, "the record is longer than 4 MiB"),
        (3, {"title": "How?"}),
    ]


def test_rows_come_in_parts_of_few() -> None:
    found = list(ParquetRows(written(pa.table({"id": list(range(150))}))).rows(["id"]))

    assert [len(one) for one in found if isinstance(one, ManyRows)] == [64, 64, 22]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"x" * 50 + b"PAR1"])
def test_what_is_damaged_is_an_error_of_the_file(data: bytes) -> None:
    with pytest.raises(UnreadableArchiveError, match="the Parquet file is damaged"):
        ParquetRows(io.BytesIO(data))


def test_damage_in_the_middle_says_at_which_row() -> None:
    data = bytearray(written(pa.table({"id": list(range(2_000))}), compression="gzip").getvalue())
    data[40:400] = b"\xff" * 360

    with pytest.raises(UnreadableArchiveError, match=r"^row \d+: "):
        list(ParquetRows(io.BytesIO(bytes(data))).rows(["id"]))
