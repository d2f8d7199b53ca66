"""A delimited file is split as its writer meant it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.tabular.dialect import (
    ONE_COLUMN,
    RETURN,
    Quoting,
    guess,
    guess_delimiter,
    is_inside,
    is_open,
    long_delimiter,
    marked,
    rare_delimiter,
    separator,
    split_backslash,
    split_escaped,
    without_end,
)

CELLS = st.text("ab\\\t\n\r\",;'|N0 \u00e9", max_size=8)
ROWS = st.lists(CELLS | st.none(), min_size=2, max_size=4)
CODES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def copied(cell: str | None) -> str:
    """Return a cell as COPY of PostgreSQL writes it."""
    return "\\N" if cell is None else "".join(CODES.get(char, char) for char in cell)


def outfile(cell: str | None) -> str:
    """Return a cell as MySQL writes it into a file, quoted."""
    if cell is None:
        return "\\N"
    return '"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(ROWS)
def test_a_row_comes_back_from_copy(row: list[str | None]) -> None:
    assert split_escaped("\t".join(map(copied, row)) + "\n", "\t") == row


@given(ROWS, st.sampled_from(",;|\t"))
def test_a_row_comes_back_from_quotes_with_backslashes(
    row: list[str | None], delimiter: str
) -> None:
    line = delimiter.join(map(outfile, row)) + "\n"

    assert split_backslash(line, delimiter) == row
    assert not is_inside(line)


@given(ROWS.filter(lambda row: row[0] is not None), st.integers(1, 40))
def test_a_record_that_is_cut_within_its_quotes_is_not_complete(
    row: list[str | None], cut: int
) -> None:
    first = outfile(row[0])

    assert is_inside(first[: max(1, min(cut, len(first) - 1))])


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("a\tb\n", ["a", "b"]),
        ("a\t\n", ["a", ""]),
        ("\n", [""]),
        ("\\N\t\\\\N\n", [None, "\\N"]),
        ("a\\\tb\tc\n", ["a\tb", "c"]),
        ("\\x41\\101\\q\n", ["AAq"]),
        ("a\\0b\n", ["ab"]),
        ("end\\", ["end\\"]),
    ],
)
def test_escapes_are_undone(text: str, cells: list[str | None]) -> None:
    assert split_escaped(text, "\t") == cells


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('"C:\\new",1\n', ["C:\\new", "1"]),
        ('"say ""hi""",2\n', ['say "hi"', "2"]),
        ('plain,"a,b"\n', ["plain", "a,b"]),
        ("\\N,x\n", [None, "x"]),
        ('"\\N",x\n', ["\\N", "x"]),
        ("a\\,b,c\n", ["a,b", "c"]),
    ],
)
def test_in_quotes_only_signs_that_need_it_are_escaped(text: str, cells: list[str | None]) -> None:
    assert split_backslash(text, ",") == cells


PLAIN = st.lists(st.tuples(*[st.text("ab,;\t|\"\n '", max_size=6)] * 2), min_size=1, max_size=6)


@given(PLAIN, st.sampled_from(",;\t|"), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_what_spreadsheets_write_is_split_as_they_wrote_it(
    rows: list[tuple[str, str]], delimiter: str, quoting: int
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerows([("id", "title"), *rows])
    lines = out.getvalue().splitlines(keepends=True)

    found = guess(lines)

    assert (found.delimiter, found.quoting) == (delimiter, Quoting.DOUBLED)
    assert [tuple(row) for row in found.reader(lines)] == [("id", "title"), *rows]


@pytest.mark.parametrize(
    ("lines", "delimiter", "quoting"),
    [
        (["id\ttitle\n", "1\ta\\\tb\n", "2\t\\N\n"], "\t", Quoting.ESCAPED),
        (["id,title\n", '"1","say \\"hi\\", you"\n'], ",", Quoting.BACKSLASH),
        (["id\ttitle\n", '1\t"never closed\n', "2\tb\n"], "\t", Quoting.NONE),
        (["id\ttitle\n", '1\tan 8" pan\n', '2\ta "b\n'], "\t", Quoting.DOUBLED),
        (["title\n", "Why, oh why?\n"], ONE_COLUMN, Quoting.DOUBLED),
        ([], ONE_COLUMN, Quoting.DOUBLED),
        (["id;title\n", '1;"a\n', 'b"\n'], ";", Quoting.DOUBLED),
    ],
)
def test_other_programs_are_told_by_what_they_write(
    lines: list[str], delimiter: str, quoting: Quoting
) -> None:
    found = guess(lines)

    assert (found.delimiter, found.quoting) == (delimiter, quoting)


def test_single_quotes_are_quotes_where_every_name_has_them() -> None:
    lines = ["'id','title'\n", "'1','Why, oh why?'\n"]

    found = guess(lines)

    assert list(found.reader(lines)) == [["id", "title"], ["1", "Why, oh why?"]]
    assert guess(["id,'title'\n", "1,'a'\n"]).quote == '"'


def test_a_space_behind_each_delimiter_is_none_of_a_cell() -> None:
    lines = ["id, title\n", '1, "Why, oh why?"\n']

    assert list(guess(lines).reader(lines))[1] == ["1", "Why, oh why?"]


def test_a_quote_that_the_sample_cuts_is_no_fault() -> None:
    lines = ["id,title\n", '1,"a\n', "still open\n"]

    assert guess(lines, is_whole=False).quoting is Quoting.DOUBLED


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("id,title", ","),
        ("id;title;a,b", ";"),
        ('"a,b,c";title', ";"),
        ("id\x01title", "\x01"),
        ("id^title", "^"),
        ("id~title", "~"),
        ("title", ","),
        ("", ","),
    ],
)
def test_the_delimiter_is_what_divides_the_header(header: str, delimiter: str) -> None:
    assert guess_delimiter(header) == delimiter


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("id::title\n", "::"),
        ("id|~|title", "|~|"),
        ("id||title", "||"),
        ("id,title", None),
        ("a::b?", None),
        ("::", None),
    ],
)
def test_a_delimiter_may_have_several_signs(line: str, mark: str | None) -> None:
    assert long_delimiter(line) == mark


@pytest.mark.parametrize(
    ("line", "below", "mark"),
    [
        ("id&&title\n", "1&&A & B?\n", "&&"),
        ('"id"%%"title"\n', '"1"%%"Why?"\n', "%%"),
        ("id|*|title", "1|*|Why?", "|*|"),
        ("id=>title=>tags", "1=>Why?", None),
        ("id&&title##tags", "1&&Why?##x", None),
        ("Why && how?", "And && why?", None),
    ],
)
def test_a_long_delimiter_that_no_list_has_is_also_in_the_line_below(
    line: str, below: str, mark: str | None
) -> None:
    assert long_delimiter(line, below) == mark


@pytest.mark.parametrize(
    ("line", "below", "mark"),
    [
        ("id\u00a6title", "1\u00a6Why?", "\u00a6"),
        ("id:title", "1:Why: is it so?", ":"),
        ("id:title", "1 Why?", None),
        ("name:mail", "Ann:a@b", None),
        ("id,title:x", "1,Why:x?", None),
    ],
)
def test_a_rare_delimiter_divides_names_of_questions(
    line: str, below: str, mark: str | None
) -> None:
    assert rare_delimiter(line, below) == mark


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("sep=;\r\n", ";"),
        ("\ufeffSEP=|", "|"),
        ('"sep=,"\n', ","),
    ],
)
def test_a_line_may_name_the_separator(line: str, mark: str) -> None:
    assert separator(line) == mark


@pytest.mark.parametrize("line", ["sep=", "sep=;;", "id;sep=;"])
def test_a_line_that_names_no_separator_is_a_row(line: str) -> None:
    assert separator(line) is None


@given(st.text("a\r\n", max_size=8))
def test_inner_carriage_returns_are_marked_and_the_end_stays(text: str) -> None:
    line = text.replace("\n", "") + "\n"

    found = marked(line)

    end = line[len(line.rstrip("\r\n")) :]
    assert found.endswith(end)
    assert "\r" not in found[: len(found) - len(end)] or "\r" not in line[:-2]
    assert found.replace(RETURN, "\r") == line


@given(st.text("a\\\r\n", max_size=6))
def test_a_line_is_open_after_an_odd_number_of_backslashes(text: str) -> None:
    bare = without_end(text)

    assert is_open(text) is ((len(bare) - len(bare.rstrip("\\"))) % 2 == 1)
    assert text.startswith(bare)
    assert text[len(bare) :] in {"", "\n", "\r", "\r\n"}
