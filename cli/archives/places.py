"""Whether what a command will write can be written, asked before the work and not after it."""

import os
from pathlib import Path

from db.errors import InvalidInputError


def check_writable(**places: Path | None) -> None:
    """Raise `InvalidInputError` for the first place, named by its option, that cannot be written.

    A folder need not exist: then the nearest one above it counts.
    """
    for option, place in places.items():
        if place is None:
            continue
        there = next(one for one in (place, *place.absolute().parents) if one.exists())
        if not os.access(there, os.W_OK if there.is_file() else os.W_OK | os.X_OK):
            raise InvalidInputError(
                f"{place} cannot be written by this user: name another place with --{option}"
            )
