"""The version of the program, and where it is installed."""

import sys
from importlib import metadata
from pathlib import Path

NAME = "askedbefore"


def version() -> str:
    """Return the version of the installed package, or of the folder that runs."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "unknown"


def place() -> str:
    """Return the folder of the code and the Python that runs it."""
    return f"{Path(__file__).resolve().parents[1]}, Python {sys.version.split()[0]} at {sys.prefix}"
