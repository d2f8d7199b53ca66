"""Files made to be slow or large: the work is linear in their bytes, one bad record goes alone.

Nothing is timed. Lines that are read again are counted; what was quadratic took minutes here.
"""

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.worker.archives.readers.test_archive import (
    packed_7z,
    questions,
    read,
    rejects,
)
from worker.archives.load_job import Format
from worker.archives.loading.options import means_of
from worker.archives.readers import SourceQuestion, open_stream
from worker.archives.readers.containers import window
from worker.archives.readers.records import RECORD_LIMIT, UnreadableArchiveError
from worker.archives.readers.tabular.delimited import DelimitedRows
from worker.archives.readers.tabular.delimited_lines import Lines

MIB = 1 << 20
HUGE = "h" * (RECORD_LIMIT + MIB)


@pytest.mark.parametrize("line", ['x","', '1,"a', '"', '1,"a""', '"a"b', '1,"a\n2,"b'])
def test_quotes_that_are_never_closed_are_read_again_a_few_times_at_most(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    given_out = 0
    one, many = Lines.__next__, Lines.take

    def counting(self: Lines) -> str:
        nonlocal given_out
        given_out += 1
        return one(self)

    def counting_many(self: Lines, count: int) -> tuple[Sequence[int], Sequence[str]]:
        nonlocal given_out
        found = many(self, count)
        given_out += len(found[0])
        return found

    monkeypatch.setattr(Lines, "__next__", counting)
    monkeypatch.setattr(Lines, "take", counting_many)
    data = "id,title\n" + f"{line}\n" * 20_000

    records = list(DelimitedRows(io.BytesIO(data.encode()), delimiter=","))

    assert records
    assert given_out <= 12 * data.count("\n")


def test_a_quoted_record_after_many_stray_quotes_is_still_read() -> None:
    stray = "".join(f'{number},"stray\n' for number in range(3))
    records = read(f'id,title\n{stray}9,"Is it,\nstill read?"\n', form=Format.CSV)

    assert questions(records)[-1] == ("9", "Is it,\nstill read?")


def test_a_quoted_record_that_is_too_long_is_rejected_alone() -> None:
    line = "long " * 100_000 + "\n"
    body = line * (RECORD_LIMIT // len(line) + 2)
    records = read(f'id,title,body\n1,First?,a\n2,Second?,"{body}"\n3,Third?,c\n', form=Format.CSV)

    assert questions(records) == [("1", "First?"), ("3", "Third?")]
    assert [(one.line, one.reason) for one in rejects(records)] == [
        (3, "the record is longer than 4 MiB")
    ]


def test_an_object_of_a_document_that_is_too_long_or_broken_is_rejected_alone() -> None:
    rows = [
        '{"id": 1, "title": "First?"}',
        json.dumps({"id": 2, "title": "Second?", "body": HUGE, "tags": [[], {"a": '"]}'}]}),
        '{"id": 3, "title": "Third?"}',
        '{"id": 4, "title" "Fourth?"}',
        f'{{"id": {"9" * 5_000}, "title": "Fifth?"}}',
        "[" * 2_000 + "]" * 2_000,
        '{"id": 6, "title": "Sixth?"}',
        "}",
        '{"id": 7, "title": "Seventh?"}',
    ]
    records = read('{"topics": [\n' + ",\n".join(rows) + "\n]}", form=Format.JSON)

    assert [own_id for own_id, _ in questions(records)] == ["1", "3", "6", "7"]
    assert [one.line for one in rejects(records)] == [3, 5, 6, 7, 9]


@pytest.mark.parametrize("size", [(1 << 18) - 2, (1 << 18) - 1, 1 << 18, (1 << 18) + 1])
def test_a_value_may_end_or_be_escaped_where_the_window_ends(size: int) -> None:
    for text in ('"], \\" [', "\\", "\\\\", '"'):
        row = json.dumps({"id": 1, "title": "First?", "body": text})
        at = size - row.index('"body": "') - 12
        data = f'{{"topics": [{" " * at}{row}, {{"id": 2, "title": "Next?"}}, 12345]}}'
        records = read(data, form=Format.JSON)
        assert [own_id for own_id, _ in questions(records)] == ["1", "2"]
        assert len(rejects(records)) == 1


@pytest.mark.parametrize("size", [(1 << 18) - 30, 5 * MIB])
def test_strings_outside_the_arrays_may_be_of_any_length(size: int) -> None:
    marks = '[ \\\\ \\" ] ' * 3_000
    noise = f"{marks}{'n' * (size - 2 * len(marks))}{marks}"
    data = f'{{"about": "{noise}", "topics": [{{"id": 1, "title": "Read?"}}]}}'
    records = read(data, form=Format.JSON)

    assert questions(records) == [("1", "Read?")]


@pytest.mark.parametrize(
    "data", ['[{"id": 1, "title": "A?"}', '[{"id": 1, "title": "A', '[{"a": [']
)
def test_a_document_that_ends_early_is_an_error(data: str) -> None:
    with pytest.raises(UnreadableArchiveError, match=r"the file ends inside|no JSON"):
        read(data, form=Format.JSON)


DEEP = 100_000
NESTED = {
    "a value of the first line": ('{"topics": [{"id": 1, "title": "A?"}, ', "[", "]", "]}"),
    "a value": ('[\n{"id": 1, "title": "A?"},\n', "[", "]", "]"),
    "objects": ('[{"id": 1, "title": "A?"}, ', '{"a": ', "}", "]"),
    "a field": ('[{"id": 1, "title": "A?"}, {"id": 2, "title": ', "[", "]", "}]"),
    "a line": ('{"id": 1, "title": "A?"}\n{"id": 2, "a": ', "[", "]", "}\n"),
}


@pytest.mark.parametrize(("before", "opens", "closes", "after"), NESTED.values(), ids=NESTED)
@pytest.mark.parametrize("depth", [60, 700, 900, 990, DEEP])
def test_what_is_nested_too_deeply_costs_its_own_record(
    before: str, opens: str, closes: str, after: str, depth: int
) -> None:
    inner = "1" if opens != "[" else ""
    records = read(before + opens * depth + inner + closes * depth + after)

    assert questions(records)[0] == ("1", "A?")


def _records_or_reason(text: str) -> Sequence[object]:
    try:
        return read(text)
    except UnreadableArchiveError as error:
        return str(error)


@pytest.mark.parametrize("opens", ["[", '{"a":', '[{"a":', "<a>", "(", "<div>"])
def test_nesting_without_an_end_is_told_in_one_sentence_or_is_a_text(opens: str) -> None:
    for before in ("", '[{"id": 1, "title": "A?"},', "<posts>", "id,title\n1,"):
        assert _records_or_reason(before + opens * DEEP)


def test_an_element_that_is_too_long_is_not_looked_through_at_each_of_its_levels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = 0
    original = window.Scan.advance

    def counting(self: window.Scan, text: str, place: int) -> int:
        nonlocal looked
        end = original(self, text, place)
        looked += end - place
        return end

    monkeypatch.setattr(window.Scan, "advance", counting)
    data = '[{"id": 1, "title": "A?"},' + "[" * (RECORD_LIMIT + MIB)
    with pytest.raises(UnreadableArchiveError):
        read(data)

    assert looked < 20 * len(data)


@pytest.mark.parametrize("moment", ["1e999", "-1e999", "NaN", "9" * 400, "0x10", "1e-999"])
def test_a_number_that_is_no_time_is_dropped(moment: str) -> None:
    records = read(f"id,title,created_at\n1,Why?,{moment}\n2,How?,2020-01-02\n")

    assert questions(records) == [("1", "Why?"), ("2", "How?")]


def test_a_line_that_names_the_separator_and_nothing_else_is_an_error() -> None:
    with pytest.raises(UnreadableArchiveError):
        read("sep=;\r\n")


def test_a_mail_whose_date_has_no_end_is_rejected_alone() -> None:
    head = "From bob@x.org Mon Jan  1 00:00:00 2018\nFrom: Bob <b@x.org>\n"
    mail = head + "Subject: {}?\nDate: {}\n\nHi\n\n"
    endless = "Mon, 1 Jan 2018 00:00:00 +0000" + "9" * 30
    records = read(
        mail.format("Why", endless) + mail.format("How", "Mon, 1 Jan 2018 00:00:00 +0000")
    )

    assert [title for _, title in questions(records)] == ["How?"]
    assert [one.line for one in rejects(records)] == [1]


def test_a_row_of_xml_over_many_short_lines_is_looked_at_once() -> None:
    # Each line used to copy all that was held.
    data = (
        "<posts>\n<row Id='1'\n"
        + " \n" * (MIB // 4)
        + "/>\n<row PostTypeId='1' Id='2' Title='B?'/>\n"
    )
    records = read(data)

    assert questions(records) == [("2", "B?")]


def as_parquet(**columns: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="zstd")
    return out.getvalue()


def test_a_parquet_row_that_is_too_long_is_rejected_alone() -> None:
    data = as_parquet(id=[1, 2, 3], title=["First?", HUGE, "Third?"])
    records = read(data)

    assert questions(records) == [("1", "First?"), ("3", "Third?")]
    assert [one.line for one in rejects(records)] == [2]


def test_one_text_in_a_dictionary_of_parquet_is_never_held_for_thousands_of_rows() -> None:
    data = as_parquet(title=["x" * (512 << 10)] * 2_048)
    assert len(data) < 100_000

    pool = pa.system_memory_pool()
    before, held = pool.bytes_allocated(), [0]
    with pytest.raises(UnreadableArchiveError, match="bomb"):
        held.extend(pool.bytes_allocated() - before for _ in open_stream(io.BytesIO(data)))

    assert max(held) < 100 * MIB


def test_the_head_of_json_lines_is_held_only_within_a_limit() -> None:
    def lines() -> Iterator[str]:
        for number in range(60):
            yield json.dumps({"id": number, "title": "Is it?", "body": "b" * (MIB - 100)}) + "\n"

    packed = gzip.compress("".join(lines()).encode())
    tracemalloc.start()
    archive = open_stream(io.BytesIO(packed), means_of(form=Format.JSONL))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 32 * MIB
    assert sum(bool(one.dropped) for one in archive if isinstance(one, SourceQuestion)) == 60


def test_a_7z_file_is_judged_by_all_that_it_holds() -> None:
    data = packed_7z({"zeros": bytes(66 * MIB), "Posts.xml": "<posts>\n</posts>"})

    with pytest.raises(UnreadableArchiveError, match="bomb"):
        read(data)


@pytest.mark.parametrize("form", [Format.CSV, Format.TSV, Format.PARQUET])
def test_a_nested_mapping_of_flat_columns_is_refused(form: Format) -> None:
    data = {
        Format.CSV: b"id,title\n1,Why?\n",
        Format.TSV: b"id\ttitle\n1\tWhy?\n",
        Format.PARQUET: as_parquet(id=[1], title=["Why?"]),
    }
    with pytest.raises(UnreadableArchiveError, match="no such column"):
        read(data[form], form=form, chosen={"title": "title.x"})


def test_what_a_file_wrote_into_an_error_is_short_and_printable() -> None:
    with pytest.raises(UnreadableArchiveError) as caught:
        read("a\0b" + "c" * 100_000 + ",d\n1,2\n", form=Format.CSV)

    assert len(str(caught.value)) <= 600
    assert str(caught.value).isprintable()
