"""What commands print for other programs: JSON on standard output, and nothing else there."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def print_json(value: object) -> None:
    """Print *value* as one JSON text; times are ISO 8601, other unknown things their words."""
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def tell(words: str, *, as_json: bool, on: Console, **facts: object) -> None:
    """Print *facts* as JSON for programs, or *words* for people, where they are to be read."""
    if as_json:
        print_json(facts)
    else:
        on.print(words, highlight=False, markup=False, soft_wrap=True)


def _plain(value: Any) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
