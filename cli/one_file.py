"""The file that a command writes or reads, or standard output or input."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

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
