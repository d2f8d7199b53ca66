"""Checks the files that a command reads and writes, before the work begins."""

import os
from pathlib import Path

from rich.console import Console

from db.errors import InvalidInputError
from worker.archives.databases import Address
from worker.archives.databases.addresses import has_password

console = Console(stderr=True)


def check_writable(**places: Path | None) -> None:
    """Raise `InvalidInputError` for the first place that cannot be written.

    The keyword is the option that names the place. If a folder does not exist yet, the nearest
    existing folder above it is checked.
    """
    for option, place in places.items():
        if place is None:
            continue
        there = next(one for one in (place, *place.absolute().parents) if one.exists())
        if not os.access(there, os.W_OK if there.is_file() else os.W_OK | os.X_OK):
            raise InvalidInputError(
                f"{place} cannot be written by this user: name another place with --{option}"
            )


def address_of(text: str, password_file: Path | None, *, resume: bool) -> Address:
    """Return the address of a forum's database, and warn if it contains a password.

    Raises `InvalidInputError` with *resume*.
    """
    if resume:
        raise InvalidInputError(
            "an import of a database cannot be resumed: run it without --resume; questions that are"
            " stored already are skipped"
        )
    if has_password(text):
        console.print(
            "Others on this machine can see the password in the list of processes: put it into"
            " ASKEDBEFORE_SOURCE_PASSWORD, or into a file for --password-file.",
            style="yellow",
            highlight=False,
        )
    return Address.of(text, password_file=password_file)
