"""Output of commands for other programs: JSON on standard output, and nothing else there."""

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from datetime import datetime
from functools import wraps
from typing import Annotated, Any

import typer
from rich.console import Console

from db.errors import InvalidInputError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
AlwaysJson = Annotated[bool, typer.Option("--json", help="It prints JSON in any case.")]
Facts = Mapping[str, Any]
"""What a command did, for programs. The names never change."""


def print_json(value: object) -> None:
    """Print *value* as one JSON text: times are ISO 8601, values unknown to JSON become text."""
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def tell(words: str, *, as_json: bool, on: Console, **facts: object) -> None:
    """Print *facts* as JSON on standard output, or *words* for people on the console *on*."""
    if as_json:
        print_json(facts)
    else:
        on.print(words, highlight=False, markup=False, soft_wrap=True)


def with_json(
    command: Callable[..., Facts | None] | None = None, *, file: str | None = None
) -> Callable[..., Any]:
    """Give a command the option `--json`: it prints the facts that *command* returns, if any.

    With it, everything else that the command or a library prints goes to standard error. *file* is
    the parameter with the file to write, if the default is standard output: with `--json` it must
    name a file, otherwise this raises `InvalidInputError`.
    """
    if command is None:
        return lambda later: with_json(later, file=file)

    @wraps(command)
    def wrapped(*given: Any, as_json: bool = False, **named: Any) -> None:
        if not as_json:
            command(*given, **named)
            return
        if file is not None and str(named.get(file) or "-") == "-":
            raise InvalidInputError("--json prints on standard output: name a file with --out")
        with redirect_stdout(sys.stderr):
            facts = command(*given, **named)
        if facts is not None:
            print_json(facts)

    signature = inspect.signature(command)
    kind = inspect.Parameter.KEYWORD_ONLY
    option = inspect.Parameter("as_json", kind, default=False, annotation=AsJson)
    wrapped.__signature__ = signature.replace(  # type: ignore[attr-defined]  # typer reads it
        parameters=[*signature.parameters.values(), option], return_annotation=None
    )
    wrapped.__annotations__ = {**command.__annotations__, "as_json": AsJson, "return": None}
    return wrapped


def _plain(value: Any) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
