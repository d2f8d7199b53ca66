"""Names that an import takes from its file, and whether the file is the same as before."""

from pathlib import Path

import pytest

from cli.archives import importing, watch
from db.archives.archives import Stage
from db.archives.units import StageProgress
from worker.archives.readers import Reject


@pytest.mark.parametrize(
    ("file", "name", "rejects"),
    [
        ("-", "stdin", "stdin.rejects.csv"),
        ("old.csv", "old.csv", "old.rejects.csv"),
        ("/data/old.csv.gz", "old.csv.gz", "/data/old.csv.rejects.csv"),
        ("archive", "archive", "archive.rejects.csv"),
        ("https://f.example/a.csv", "https://f.example/a.csv", "https-f-example-a-csv.rejects.csv"),
        (
            "mysql://ana@db/forum",
            "mysql://ana@db/forum",
            "mysql-ana-db-forum.rejects.csv",
        ),
    ],
)
def test_an_archive_and_its_rejects_are_named_after_the_file(
    file: str, name: str, rejects: str
) -> None:
    assert importing._name_of(file) == name  # noqa: SLF001  # pure
    assert importing._rejects_of(file) == Path(rejects)  # noqa: SLF001  # pure


def digest(path: Path | str, asked: object = ()) -> bytes | None:
    return importing._digest_of(str(path), asked)  # noqa: SLF001  # of a file, without a database


def test_a_file_is_the_same_while_it_and_how_it_is_read_are(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("id,title\n")
    second.write_text("id,title\n")

    assert digest(first) == digest(second) != None  # noqa: E711  # both are there
    assert digest(first, ("strict",)) != digest(first)
    second.write_text("id,title\n1,Egg?\n")
    assert digest(first) != digest(second)


def test_what_is_no_single_file_is_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "Posts.xml").write_text("<posts/>")

    for one in (tmp_path, tmp_path / "gone", tmp_path / "Posts.xml"):
        assert digest(one) is None
    assert digest("-") is digest("https://f.example/a.csv") is None


def rejected(path: Path, *batches: list[Reject], more: bool = False) -> list[str]:
    with importing._reject_file(path, more=more) as write:  # noqa: SLF001  # it writes a file
        for batch in batches:
            write(batch)
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_rejects_are_one_table_over_all_batches_and_none_without_any(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"

    assert rejected(path, [], []) == []
    lines = rejected(path, [Reject(2, "no title")], [], [Reject(7, "=1+1"), Reject(9, "a, b")])
    assert lines == ["line,reason", "2,no title", "7,'=1+1", '9,"a, b"']
    assert rejected(path, [Reject(12, "late")], more=True)[-2:] == ['9,"a, b"', "12,late"]
    assert rejected(path, [Reject(1, "new")]) == ["line,reason", "1,new"]


def progress(**changes: object) -> StageProgress:
    values = {
        "stage": Stage.EMBED,
        "units": 10,
        "units_done": 5,
        "size": 1_000,
        "size_done": 400,
        "found": 0,
        "took_s": 1.0,
        "failed": 0,
        "size_failed": 0,
        "rate": 100.0,
        "is_worked_on": True,
    }
    return StageProgress(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "is_over", "told"),
    [
        ({}, False, "100/s, 0:00:06 left"),
        ({"found": 1_234}, True, "1,234 found"),
        ({}, True, ""),
        ({"failed": 1, "size_failed": 100}, False, "1 unit set aside, 100/s, 0:00:05 left"),
        ({"is_worked_on": False, "rate": 0.0}, False, "0/s, no worker is working on it"),
        ({"size_done": 1_000}, False, "100/s, 0:00:00 left"),
    ],
)
def test_a_stage_says_how_far_it_is(changes: dict[str, object], is_over: bool, told: str) -> None:
    assert watch._line(progress(**changes), is_over=is_over) == told  # noqa: SLF001  # pure
