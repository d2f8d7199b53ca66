"""The one file that a command writes is there only when it is whole, and never written over."""

import io
import os
import sys
from pathlib import Path
from typing import BinaryIO, TextIO

import pytest

from cli.one_file import replaced, source, target
from db.errors import ConflictError, InvalidInputError


class Standard:
    """A standard stream of a shell."""

    def __init__(self, *, is_terminal: bool) -> None:
        self.buffer = io.BytesIO(b"from a pipe")
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def test_a_file_is_there_when_all_of_it_is_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "kept.backup"

    with target(str(path)) as stream:
        stream.write(b"all of it")
        assert not path.exists()

    assert path.read_bytes() == b"all of it"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["kept.backup"]


def test_what_failed_leaves_nothing(tmp_path: Path) -> None:
    def fail(stream: BinaryIO) -> None:
        stream.write(b"half of it")
        raise RuntimeError

    with pytest.raises(RuntimeError), target(str(tmp_path / "kept")) as stream:
        fail(stream)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_bytes(b"of yesterday")

    with pytest.raises(ConflictError, match="exists already"), target(str(path)):
        pass

    assert path.read_bytes() == b"of yesterday"


def test_half_a_file_of_an_earlier_try_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "kept.part").write_bytes(b"a longer half of an earlier try")

    with target(str(tmp_path / "kept")) as stream:
        stream.write(b"whole")

    assert (tmp_path / "kept").read_bytes() == b"whole"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no folder" / "kept"

    with pytest.raises(InvalidInputError, match="no folder/kept cannot be written"):  # noqa: SIM117
        with target(str(path)):
            pass


def test_standard_output_is_for_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, terminal = Standard(is_terminal=False), Standard(is_terminal=True)

    monkeypatch.setattr(sys, "stdout", pipe)
    with target("-") as stream:
        stream.write(b"to")
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(InvalidInputError, match="not for a terminal"), target("-"):
        pass

    assert pipe.buffer.getvalue().startswith(b"to")


def test_a_file_or_a_pipe_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").write_bytes(b"from a file")
    monkeypatch.setattr(sys, "stdin", Standard(is_terminal=False))

    with source(str(tmp_path / "kept")) as file, source("-") as pipe:
        assert (file.read(), pipe.read()) == (b"from a file", b"from a pipe")

    with pytest.raises(InvalidInputError, match="gone cannot be read"), source("gone"):
        pass


def test_the_old_rows_stay_until_all_new_ones_are_written(tmp_path: Path) -> None:
    def fail(stream: TextIO) -> None:
        stream.write("half")
        raise RuntimeError

    path = tmp_path / "pairs.csv"
    path.write_text("old\n")

    with pytest.raises(RuntimeError), replaced(path) as stream:
        fail(stream)

    assert path.read_text() == "old\n"
    with replaced(str(path)) as stream:
        stream.write("new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert [one.name for one in tmp_path.iterdir()] == ["pairs.csv"]


def test_rows_for_a_pipe_are_written_into_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    with replaced(path) as stream:
        stream.write("row\n")

    assert os.read(reading, 100) == b"row\n"
    os.close(reading)


def test_rows_without_a_file_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for file in (None, "-"):
        with replaced(file) as stream:
            stream.write("row\n")

    assert capsys.readouterr().out == "row\nrow\n"


def test_a_folder_that_is_not_there_is_told_before_the_work(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidInputError, match=r"gone/pairs\.csv cannot be written: No such file"),
        replaced(tmp_path / "gone" / "pairs.csv"),
    ):
        pytest.fail("the work has begun")
