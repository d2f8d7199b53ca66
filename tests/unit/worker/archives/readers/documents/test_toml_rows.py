"""TOML: tables in lists and under keys come back as rows."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.documents import toml_rows
from worker.archives.readers.documents.json_rows import ANY
from worker.archives.readers.meaning.columns import KEY
from worker.archives.readers.records import UnreadableArchiveError

TEXTS = st.text('aZ?"\\\n\u00e9\u4e2d', max_size=8)


def opened(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def read(text: str, *path: str) -> list[Any]:
    return [(row.line, row.values) for row in toml_rows.rows(opened(text), path)]


@settings(max_examples=20)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_rows_come_back_from_a_list_of_tables(rows: list[tuple[str, str]]) -> None:
    text = "".join(
        f"[[questions]]\ntitle = {quoted(title)}\nbody = {quoted(body)}\n" for title, body in rows
    )

    assert toml_rows.is_toml(text, "")
    assert toml_rows.look(opened(text)).tables()["questions",] == ["title", "body"]
    assert read(text, "questions") == [
        (number, {"title": title, "body": body})
        for number, (title, body) in enumerate(rows, start=1)
    ]


def test_tables_under_keys_have_their_key() -> None:
    text = "".join(f'[q.k{n}]\ntitle = "Why {n}?"\n' for n in range(3))

    assert toml_rows.look(opened(text)).tables()["q", ANY] == ["title", KEY]
    assert read(text, "q", ANY)[1] == (2, {KEY: "k1", "title": "Why 1?"})


@pytest.mark.parametrize(
    ("head", "suffix", "is_one"),
    [
        ("[[questions]]\ntitle = 1\n", "", True),
        ('# a comment\nversion = 1\n\n[["my.questions"]]\n', "", True),
        ("anything", ".toml", True),
        ("[[1, 2], [3, 4]]\n", "", False),
        ("[section]\nkey = 1\n", "", False),
        ("[[wiki link]] and more\n", "", False),
        ("", "", False),
    ],
)
def test_toml_is_told_by_a_list_of_tables(head: str, suffix: str, *, is_one: bool) -> None:
    assert toml_rows.is_toml(head, suffix) is is_one


@pytest.mark.parametrize("data", [b"a = ", b"[[a]]\nb = \xff\n", b"a = " + b"[" * 5_000])
def test_what_is_no_toml_is_an_error_of_the_file(data: bytes) -> None:
    with pytest.raises(UnreadableArchiveError, match="it is not valid TOML"):
        toml_rows.look(io.BytesIO(data))


def test_a_document_that_is_too_large_says_how_to_write_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(toml_rows, "_WHOLE", 20)

    with pytest.raises(UnreadableArchiveError, match="write it as JSON Lines or CSV"):
        read("[[a]]\nb = 'a text of some length'\n", "a")
