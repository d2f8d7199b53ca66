"""Progress bars: bytes where a stage has bytes, steps elsewhere, whatever the count is."""

import io

import pytest
from rich.console import Console

from cli.bars import copy_bar, count_bar, file_bar, stage_bars


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("total", [3, 900, 5_000_000])
def test_a_stage_of_bytes_shows_bytes_and_another_shows_steps(console: Console, total: int) -> None:
    with stage_bars(console, {"fetch": "Fetching weights"}, in_bytes={"fetch"}) as show:
        show("fetch", total, total)
        show("convert", total, total)

    lines = printed(console).splitlines()
    fetch = next(line for line in reversed(lines) if "Fetching weights" in line)
    convert = next(line for line in reversed(lines) if "convert" in line)
    assert "bytes" in fetch or "MB" in fetch
    assert f"{total}/{total}" in convert


def test_what_is_done_adds_up_to_the_total(console: Console) -> None:
    with count_bar(console, "Embedding", 30) as show:
        for _ in range(3):
            show(10)

    assert "Embedding" in printed(console)
    assert "30/30" in printed(console)


def test_a_file_shows_its_share_and_the_rows_so_far(console: Console) -> None:
    position = 0.0
    with file_bar(console, 8.0, lambda: position) as show:
        for rows in (1, 2_000):
            position += 2
            show(rows)

    assert "50%" in printed(console)
    assert "2,000 rows" in printed(console)


def test_a_source_without_a_size_shows_its_rows(console: Console) -> None:
    with file_bar(console, None, lambda: 0) as show:
        show(7)

    assert "7 rows" in printed(console)


def test_a_copy_shows_the_table_and_its_bytes(console: Console) -> None:
    with copy_bar(console) as show:
        show("questions", 2_500_000)

    assert "questions" in printed(console)
    assert "2.5/? MB" in printed(console)
