"""Made-up archives: the changed one is the same but for what was changed."""

import csv
import json
from pathlib import Path

import pytest

from bench import imports


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "ROWS", 100)


def test_a_second_archive_lacks_one_row_and_has_ten_other_titles() -> None:
    first = {row[0]: row for row in imports.rows(0, 100)}
    second = {row[0]: row for row in imports.changed(0, 100)}

    other = {name for name, row in second.items() if row != first[name]}
    assert set(first) - set(second) == {"5"}
    assert len(other) == 10
    assert all(second[name][1] == f"{first[name][1]} Or not?" for name in other)


def test_each_format_holds_the_same_rows(tmp_path: Path) -> None:
    made = [dict(zip(imports._NAMES, row, strict=True)) for row in imports.rows(0, 100)]  # noqa: SLF001
    for name, write in imports._WRITERS.items():  # noqa: SLF001  # what is measured
        write(tmp_path / name, imports.rows)

    with (tmp_path / "csv").open(encoding="utf-8", newline="") as stream:
        assert list(csv.DictReader(stream)) == made
    lines = (tmp_path / "jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == made
    assert (tmp_path / "parquet").read_bytes()[:4] == b"PAR1"
