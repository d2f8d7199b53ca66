import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.text.cells import as_cell, of_cell


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("https://evil.example")',
        "+1+cmd",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\uff1d1+1",
    ],
)
def test_what_a_spreadsheet_would_run_is_marked_as_text(text: str) -> None:
    assert as_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "Why?", "a=b", "-12", "+1.5e-3", "'quoted' words", "don't", "1-2"]
)
def test_other_texts_and_plain_numbers_stay(text: str) -> None:
    assert as_cell(text) == of_cell(text) == text


@given(st.text(alphabet="'=+-@\t\rab1 \uff1d", max_size=6) | st.text(max_size=20))
def test_every_text_comes_back(text: str) -> None:
    assert of_cell(as_cell(text)) == text


@given(st.text(alphabet="'=+-@\t\rab1 \uff1d", max_size=6))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    cell = as_cell(text)

    assert not cell.startswith(("=", "@", "\t", "\r", "\uff1d"))
    assert not cell.startswith(("+", "-")) or float(cell) is not None
