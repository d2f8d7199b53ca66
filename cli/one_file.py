"""The file that a command writes or reads, or standard output or input."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from rich.console import Console

from db.errors import ConflictError, InvalidInputError

console = Console(stderr=True)
STANDARD = "-"


@contextmanager
def target(file: str) -> Iterator[BinaryIO]:
    """Yield a stream to write to. The file appears when it is complete; none is overwritten."""
    if file == STANDARD:
        if sys.stdout.isatty():
            raise InvalidInputError(
                "the output is binary and not for a terminal: name a file, or use a pipe"
            )
        yield sys.stdout.buffer
        return
    path, half = Path(file), Path(f"{file}.part")
    if path.exists():
        raise ConflictError(f"{path} exists already: choose another name, or remove it first")
    try:
        with os.fdopen(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        half.rename(path)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        half.unlink(missing_ok=True)


@contextmanager
def replaced(file: Path | str | None) -> Iterator[TextIO]:
    """Yield a stream for the rows of *file*; without one, or for ``-``, it is standard output.

    The file has its old content until the block has ended without an error. Raises
    `InvalidInputError` if it cannot be written.
    """
    if file is None or str(file) == STANDARD:
        yield sys.stdout
        return
    path = Path(file)
    if path.exists() and not path.is_file():  # a device, or a pipe to another program
        with _opened(path, path) as stream:
            yield stream
        return
    half = path.with_name(f".{path.name}.part")
    try:
        with _opened(half, path) as stream:
            yield stream
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _opened(path: Path, told: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidInputError(f"{told} cannot be written: {error.strerror}") from error


@contextmanager
def source(file: str) -> Iterator[BinaryIO]:
    """Yield a stream to read from; raises `InvalidInputError` if the file cannot be read."""
    if file == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115  # closed below
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be read: {error.strerror}") from error
    with stream:
        yield stream
