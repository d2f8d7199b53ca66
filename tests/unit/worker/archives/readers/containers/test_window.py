"""Text in a window reads as the whole, wherever the pieces end."""

import io
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.containers import window
from worker.archives.readers.containers.window import Scan, Window
from worker.archives.readers.records import UnreadableArchiveError

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=10,
)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "CHUNK", 3)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("ascii_only", [True, False])
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=4), indent=st.sampled_from([None, 1]))
@settings(max_examples=60)
def test_each_value_ends_where_it_ends_however_the_file_is_cut(
    ascii_only: bool, documents: list[object], indent: int | None
) -> None:
    texts = [json.dumps(one, ensure_ascii=ascii_only, indent=indent) for one in documents]
    moved = Window(io.BytesIO(" ,\n".join([*texts, ""]).encode()))

    for text in texts:
        assert moved.skip(re.compile(r"[\s,]*+"))
        assert moved.take_value() == (text, len(text))
    assert not moved.skip(re.compile(r"[\s,]*+"))
    assert moved.line == sum(text.count("\n") + 1 for text in texts) + 1


@given(DOCUMENTS, st.lists(st.integers(1, 5), max_size=30))
@settings(max_examples=60)
def test_a_scan_in_pieces_finds_the_same_end(document: object, cuts: list[int]) -> None:
    text = json.dumps([document])
    scan, place = Scan(), 0
    for cut in [*cuts, len(text)]:
        piece = text[place : place + cut]
        place += scan.advance(piece, 0)

    assert scan.is_over
    assert place == len(text)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("cut", ['{"a": [1, 2', '["a', '"a\\"', "[[]"])
def test_a_file_that_ends_inside_a_value_names_the_line(cut: str) -> None:
    moved = Window(io.BytesIO(f"\n\n{cut}".encode()))
    moved.skip(re.compile(r"\s*+"))

    with pytest.raises(UnreadableArchiveError, match="line 3: the file ends inside a value"):
        moved.take_value()


@pytest.mark.usefixtures("tiny")
def test_a_value_that_is_too_long_is_passed_over_and_its_length_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(window, "RECORD_LIMIT", 20)
    moved = Window(io.BytesIO(json.dumps(["x" * 50]).encode() + b'{"a": 1}'))

    assert moved.take_value() == (None, 54)
    assert moved.take_value() == ('{"a": 1}', 8)


@pytest.mark.usefixtures("tiny")
def test_what_lies_ahead_is_read_and_stays() -> None:
    moved = Window(io.BytesIO("<\u00e4\u00f6\u00fc> rest".encode()))

    assert moved.ahead(5)
    assert moved.text.startswith("<\u00e4\u00f6\u00fc>")
    assert not moved.pass_over("rest")
    assert moved.pass_over("<\u00e4\u00f6\u00fc>")
    assert moved.ahead(1_000)
    assert moved.text == " rest"
    assert not moved.ahead(1_000)
