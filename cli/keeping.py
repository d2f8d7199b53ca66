"""`askedbefore backup` and `restore`: the whole database in one file."""

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.bars import copy_bar
from cli.connect import service
from cli.one_file import STANDARD, console, source, target
from cli.output import AsJson, tell
from cli.version import version
from db.engine import make_engine
from db.errors import InvalidInputError
from db.keeping.backup import Kept, write_backup
from db.keeping.restore import read_backup
from db.settings import DatabaseSettings
from db.wording import counted

_KEPT_SETTINGS = ("ASKEDBEFORE_BI_ENCODER", "ASKEDBEFORE_RERANKER", "ASKEDBEFORE_PUBLIC_URL")

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Data folder of `askedbefore up`; not needed with your own servers."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[str, typer.Argument(help="File to write; `-` is standard output.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole database to FILE, as it is at the start; the service keeps running.

    Keep the file secret: forums, questions, vectors, pairs, decisions, keys and people are in it.
    Your own models are not in it, only their names and digests.

    Example: askedbefore backup askedbefore.backup
    """
    if as_json and file == STANDARD:
        raise InvalidInputError("standard output cannot take both the file and JSON: name a file")
    begun = time.monotonic()
    about = {"version": version(), "settings": _settings()}
    with service(data), target(file) as stream, copy_bar(console) as say:
        kept = write_backup(make_engine(DatabaseSettings()), stream, about=about, say=say)
    where = "standard output" if file == STANDARD else file
    _say(f"Written to {where}", kept, begun, as_json=as_json)


def restore(
    file: Annotated[str, typer.Argument(help="File that `backup` wrote; `-` is standard input.")],
    force: Annotated[
        bool, typer.Option("--force", help="Delete first what is in the database.")
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Write a backup into an empty database. A backup of an earlier version is updated.

    Stop API, workers and beat first, and start them again afterwards. The workers then do the work
    that was due.

    Example: askedbefore restore askedbefore.backup
    """
    begun = time.monotonic()
    with service(data), source(file) as stream, copy_bar(console) as say:
        engine = make_engine(DatabaseSettings())
        manifest, kept = read_backup(engine, stream, force=force, say=say)
    _say(
        f"Restored the backup of version {manifest.get('version', '?')}",
        kept,
        begun,
        as_json=as_json,
    )
    if as_json:
        return
    for model in manifest["models"]:
        if model["active"]:
            console.print(
                f"  active {model['kind']}: {model['name']}, digest {model['digest'][:12]}",
                highlight=False,
            )


def _settings() -> dict[str, str]:
    return {name: os.environ[name] for name in _KEPT_SETTINGS if name in os.environ}  # noqa: TID251


def _say(what: str, kept: Kept, begun: float, *, as_json: bool) -> None:
    rows, took_s = kept.rows, time.monotonic() - begun
    said = (
        f"{what}: {counted(rows.get('questions', 0), 'question')},"
        f" {counted(rows.get('pairs', 0), 'pair')},"
        f" {counted(sum(rows.values()), 'row')}, {kept.size / 1e6:,.1f} MB unpacked,"
        f" schema {kept.revision}, in {took_s:.1f} s"
    )
    tell(said, as_json=as_json, on=console, **asdict(kept), took_s=round(took_s, 1))
