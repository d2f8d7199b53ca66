"""Whatever columns and values a table has: each row is a record or a reject, or all is refused."""

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.load_job import Format
from worker.archives.loading.options import means_of
from worker.archives.readers import KnownPair, Reject, SourceQuestion, open_archive, open_stream
from worker.archives.readers.records import Hidden, Record, UnreadableArchiveError

NAMES = st.sampled_from([
    "id", "title", "body", "url", "category", "author", "created_at", "updated_at", "tags", "score",
    "views", "answer_count", "closed", "deleted", "visible", "private", "status", "type", "locale",
    "duplicate_of", "accepted_answer_id", "question1", "question2", "is_duplicate", "qid1", "qid2",
    "label", "parent_id", "is_answered", "hidden", "approved", "archetype", "x", "", "published_at",
])  # fmt: skip
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from([
        "Why?", "yes", "no", "0", "1", "-1", "maybe", "NULL", "\\N", "nan", "2024-05-01", "1.0",
        "2024-05-01T12:00:00Z", "03/04/2014", "a,b", "<a><b>", "https://a.example/", "#x", "//x",
        "1e999", "9" * 30, "\ud83d", "\u200b", " ", '="7"', "1,5E+10", "[]", "{}", "duplicate",
    ]),
)  # fmt: skip
NESTED = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["name", "id", "$oid", "$date", "rendered", "x"]), inner, max_size=2
        )
    ),
    max_leaves=3,
)
ASIDE = st.fixed_dictionaries({
    "strict": st.booleans(),
    "dates": st.sampled_from(["auto", "dmy", "mdy", "excel"]),
    "base_url": st.sampled_from(["", "https://forum.example"]),
})  # fmt: skip


def tables(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[list[str], list[list[Any]]]]:
    """Return tables: the question's column and some others, and their rows."""
    return st.lists(NAMES, max_size=5, unique=True).flatmap(
        lambda names: st.tuples(
            st.just(["title", *(one for one in names if one != "title")]),
            st.lists(
                st.lists(values, min_size=len(names) + 1, max_size=len(names) + 1), max_size=5
            ),
        )
    )


def read(data: bytes, form: Format, aside: dict[str, Any]) -> list[Record]:
    """Return the records of a file; none if it is refused."""
    try:
        return list(open_stream(io.BytesIO(data), means_of(form=form, **aside)))
    except UnreadableArchiveError:
        return []


def lines_of(records: list[Record]) -> Counter[int]:
    kinds = (SourceQuestion, Hidden, Reject)
    return Counter(one.line for one in records if isinstance(one, kinds))


@settings(max_examples=60)
@given(tables(NESTED), ASIDE)
def test_any_objects_are_questions_or_rejects(
    table: tuple[list[str], list[list[Any]]], aside: dict[str, Any]
) -> None:
    names, rows = table
    data = "".join(json.dumps(dict(zip(names, row, strict=False))) + "\n" for row in rows)

    records = read(data.encode(), Format.JSONL, aside)

    assert set(lines_of(records)) <= set(range(1, len(rows) + 1))
    pairs = [one for one in records if isinstance(one, KnownPair)]
    assert all(one.first_id != one.second_id for one in pairs)


@settings(max_examples=60)
@given(tables(VALUES), ASIDE)
def test_any_cells_are_questions_or_rejects(
    table: tuple[list[str], list[list[Any]]], aside: dict[str, Any]
) -> None:
    names, rows = table
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows([["" if one is None else one for one in row] for row in rows])

    records = read(out.getvalue().encode("utf-8", "surrogatepass"), Format.CSV, aside)

    assert all(line > 1 for line in lines_of(records))


@pytest.mark.parametrize("label", ["maybe", "1", "0", "", "-1", "same", "not duplicate"])
@pytest.mark.parametrize("first", ["", "Why?"])
@pytest.mark.parametrize("second", ["", "How?", "Why?"])
def test_a_pair_of_which_a_question_is_missing_keeps_the_other(
    label: str, first: str, second: str
) -> None:
    data = f"question1,question2,is_duplicate\n{first},{second},{label}\nOne?,Other?,1\n"

    records = read(data.encode(), Format.CSV, {})

    here = [one for one in records if one.line == 2]
    titles = [one.title for one in here if isinstance(one, SourceQuestion)]
    assert titles == [one for one in (first, second) if one]
    assert any(isinstance(one, Reject) for one in here) is not bool(titles)


def test_a_flag_inside_a_struct_of_parquet_hides(tmp_path: Path) -> None:
    path = tmp_path / "q.parquet"
    meta = [{"private": False}, {"private": True}]
    pq.write_table(pa.table({"id": [1, 2], "title": ["Why?", "Who?"], "meta": meta}), path)

    with open_archive(path) as archive:
        kinds = [type(one).__name__ for one in archive]

    assert kinds == ["SourceQuestion", "Hidden"]
