"""`askedbefore forums export` and `import`: moves a forum to another installation in one file."""

import time
from pathlib import Path
from typing import Annotated

import typer

from cli.bars import copy_bar
from cli.connect import database, service
from cli.one_file import STANDARD, console, source, target
from cli.output import AsJson, print_json
from cli.version import version
from db.engine import make_engine
from db.errors import InvalidInputError
from db.keeping.forum_export import write_forum
from db.keeping.forum_import import Moved, read_forum
from db.settings import DatabaseSettings
from db.tenants import forums
from db.wording import counted
from worker.live.recheck import owe_again

_Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Data folder of `askedbefore up`; not needed with your own servers."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to `askedbefore forums`."""
    app.command("export")(export)
    app.command("import")(import_)


def export(
    name: Annotated[str, typer.Argument(help="Name of the forum.")],
    file: Annotated[str, typer.Argument(help="File to write; `-` is standard output.")],
    data: _Data = None,
    as_json: AsJson = False,
) -> None:
    """Write a forum with all that belongs to it into FILE, for another installation.

    The file has questions, vectors, pairs, decisions, groups, archives, settings, webhooks without
    their secrets, and the names and roles of people. It has no keys. The forum itself stays here.
    The service keeps running.

    Example: askedbefore forums export cooks cooks.forum
    """
    if as_json and file == STANDARD:
        raise InvalidInputError("standard output cannot take both the file and JSON: name a file")
    begun = time.monotonic()
    about = {"version": version()}
    with service(data), target(file) as stream, copy_bar(console) as say:
        engine = make_engine(DatabaseSettings())
        kept = write_forum(engine, name, stream, about=about, say=say)
        engine.dispose()
    _tell(f"{name} is written", kept.rows, begun, as_json=as_json)


def import_(
    file: Annotated[str, typer.Argument(help="File of `forums export`; `-` is standard input.")],
    name: Annotated[
        str | None, typer.Option("--as", help="Name of the forum here, if it is to be another one.")
    ] = None,
    data: _Data = None,
    as_json: AsJson = False,
) -> None:
    """Add a forum of another installation to this one. The service may run meanwhile.

    Both installations must have the same version. If other models are in use here, all questions of
    the forum are checked again.

    Example: askedbefore forums import cooks.forum
    """
    begun = time.monotonic()
    with database(data) as sessions:
        engine = make_engine(DatabaseSettings())
        with source(file) as stream, copy_bar(console) as say:
            moved = read_forum(engine, stream, name=name, say=say)
        engine.dispose()
        if moved.is_of_other_models:
            with sessions.begin() as session:
                forum = forums.get_forum(session, moved.name)
            owe_again(sessions, forum, on_done=lambda _: None)
    _tell(f"{moved.name} is imported", moved.rows, begun, as_json=as_json, moved=moved)


def _tell(
    what: str, rows: dict[str, int], begun: float, *, as_json: bool, moved: Moved | None = None
) -> None:
    if as_json:
        checked = {} if moved is None else {"checked_again": moved.is_of_other_models}
        people = {} if moved is None else {"people": moved.people}
        print_json({"rows": rows, **people, **checked})
        return
    console.print(
        f"{what}: {counted(rows['questions'], 'question')}, {counted(rows['pairs'], 'pair')},"
        f" {counted(rows['decisions'], 'decision')}, in {time.monotonic() - begun:.1f} s",
        highlight=False,
        soft_wrap=True,
    )
    if moved is not None:
        _tell_what_is_left(moved)


def _tell_what_is_left(moved: Moved) -> None:
    """Print what the operator has to do by hand."""
    lines = [f"Make a key: askedbefore keys create --forum {moved.name} --scope submit"]
    if moved.is_of_other_models:
        lines.append("Other models are in use here: all its questions will be checked again.")
    for person, is_new in moved.people.items():
        what = f"is new: askedbefore people link {person}" if is_new else "was here already"
        lines.append(f"{person} {what}")
    if moved.rows["webhooks"]:
        lines.append("Its webhooks are off until their receivers have the new secrets.")
    for line in lines:
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
