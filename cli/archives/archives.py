"""`askedbefore archives`: list, watch and control archives, and read their reports."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.archives.pages import facts, write_files
from cli.archives.watch import follow, wake
from cli.client import Client
from cli.connect import database
from cli.output import AlwaysJson, AsJson, print_json, tell
from db.archives import archives
from db.archives import report as archive_report
from db.archives.archives import ArchiveRow, ArchiveState
from db.engine import Sessions
from db.errors import InvalidInputError
from db.imports import sightings
from db.keeping import undoing as archive_undoing
from db.tenants import forums
from db.wording import counted
from worker.archives.loading.missing import erase_gone
from worker.archives.report import make_report

app = typer.Typer(
    help="List, watch, pause, resume and cancel archives, and read their reports.\n\n"
    "Without a command, the archives are listed, the newest first.\n\nExample: askedbefore archives"
)
console = Console()
_errors = Console(stderr=True)
_PAGE = 1_000

_Id = Annotated[
    int, typer.Argument(metavar="ID", help="Number of the archive, as `archives` shows it.")
]


@app.callback(invoke_without_command=True)
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the archives, the newest first."""
    if context.invoked_subcommand is not None:
        return
    if as_json:
        with database() as sessions, sessions.begin() as session:
            print_json([asdict(row) for row in archives.list_archives(session)])
        return
    table = Table("id", "forum", "name", "state", "stage", "new", "rejected", "started")
    with database() as sessions, sessions.begin() as session:
        rows = archives.list_archives(session)
        names = forums.find_forums(session, {row.forum_id for row in rows})
        for row in rows:
            begun = f"{row.created_at:%Y-%m-%d %H:%M}"
            counts = (f"{row.created:,}", f"{row.rejected:,}", begun)
            forum = names[row.forum_id].name
            table.add_row(str(row.id), forum, row.name, row.state, row.stage, *counts)
    console.print(table)


@app.command()
def watch(archive: _Id, as_json: AsJson = False) -> None:
    """Show the progress of an archive until it is mined. Ctrl-C ends only the display.

    Example: askedbefore archives watch 7
    """
    with database() as sessions:
        follow(sessions, archive)
        show(sessions, archive, as_json=as_json)


@app.command()
def pause(archive: _Id, as_json: AsJson = False) -> None:
    """Pause the work on an archive. Units that a worker has begun are finished first.

    Example: askedbefore archives pause 7
    """
    _set(archive, ArchiveState.PAUSED, as_json=as_json)


@app.command()
def resume(archive: _Id, as_json: AsJson = False) -> None:
    """Continue the work on a paused archive.

    Example: askedbefore archives resume 7
    """
    _set(archive, ArchiveState.RUNNING, as_json=as_json)


@app.command()
def cancel(archive: _Id, as_json: AsJson = False) -> None:
    """End the work on an archive. Its questions stay, and the pairs that were found so far.

    Example: askedbefore archives cancel 7
    """
    _set(archive, ArchiveState.CANCELLED, as_json=as_json)


@app.command()
def undo(
    archive: _Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase the questions that an archive brought, with their pairs, after an import by mistake.

    Questions that were stored before it are kept with their present text. If the archive changed
    it, let the forum's backend send them again.

    Example: askedbefore archives undo 7
    """
    with database() as sessions:
        with sessions.begin() as session:
            row = archives.get(session, archive)
            count = archive_undoing.count_brought(session, archive)
        if not yes:
            typer.confirm(
                f"Erase the {counted(count, 'question')} that archive {archive} ({row.name})"
                " brought?",
                abort=True,
                err=True,
            )
        if row.state in {ArchiveState.RUNNING, ArchiveState.PAUSED}:
            with sessions.begin() as session:
                archives.set_state(session, archive, ArchiveState.CANCELLED)
        with _errors.status("Erasing") as status:
            gone = archive_undoing.undo(
                sessions,
                archive,
                actor="command line",
                on_done=lambda done: status.update(f"{done:,} of {count:,} erased"),
            )
    said = f"{counted(gone, 'question')} of archive {archive} erased."
    tell(said, as_json=as_json, on=console, archive=archive, erased=gone)


@app.command()
def upload(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The archive's file.")],
    forum: Annotated[str, typer.Option(help="The forum.")],
    url: Annotated[str, typer.Option(envvar="ASKEDBEFORE_PUBLIC_URL", help="Address of the API.")],
    key: Annotated[
        str, typer.Option(envvar="ASKEDBEFORE_KEY", help="A key with the scope submit.")
    ],
    as_json: AlwaysJson = True,  # noqa: ARG001  # for scripts that give it everywhere
) -> None:
    """Send an archive to a service on another machine, and print the answer as JSON.

    Example: askedbefore archives upload old.jsonl --forum cooks --url https://duplicates.example
    --key ab_1a2B3c4D5e6F
    """
    with Client(url, key) as client, _errors.status(f"Sending {file.name}"):
        answer = client.upload(forum, file)
    print_json(answer)


@app.command()
def report(
    archive: _Id,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, report.json and pairs.csv.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the report of an archive: what was found, and an estimate of what was missed.

    Example: askedbefore archives report 7 --out report
    """
    with database() as sessions:
        show(sessions, archive, out=out, as_json=as_json)


@app.command()
def gone(
    archive: _Id,
    erase: Annotated[
        bool,
        typer.Option("--erase", help="Erase these questions here, with their pairs, for good."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the ids of questions that earlier archives of the same name had and this one lacks.

    Example: askedbefore archives gone 7
    """
    with database() as sessions:
        with sessions.begin() as session:
            row = archives.get(session, archive)
            forum = forums.find_forums(session, {row.forum_id})[row.forum_id]
        if not erase:
            _list_gone(_gone(sessions, row), as_json=as_json)
            return
        count = sum(1 for _ in _gone(sessions, row))
        if not (yes or typer.confirm(f"Erase {counted(count, 'question')} for good?", err=True)):
            raise InvalidInputError("nothing was erased; use --yes to erase without being asked")
        done = erase_gone(sessions, forum, row.id)
        said = f"{counted(done, 'question was', 'questions were')} erased."
        tell(said, as_json=as_json, on=console, archive=archive, erased=done)


def _list_gone(names: Iterator[str], *, as_json: bool) -> None:
    if as_json:
        print_json(list(names))
        return
    for name in names:
        typer.echo(name)


def _gone(sessions: Sessions, row: ArchiveRow) -> Iterator[str]:
    after = 0
    while True:
        with sessions.begin() as session:
            page = sightings.gone(session, row.forum_id, row.id, after=after, limit=_PAGE)
        yield from (name for _, name in page)
        if len(page) < _PAGE:
            return
        after = page[-1][0]


def _set(archive_id: int, state: ArchiveState, *, as_json: bool) -> None:
    with database() as sessions:
        with sessions.begin() as session:
            row = archives.set_state(session, archive_id, state)
        if state is ArchiveState.RUNNING:
            wake()
    said = f"Archive {row.id} is {row.state}."
    tell(said, as_json=as_json, on=console, archive=row.id, state=row.state)


def show(
    sessions: Sessions, archive_id: int, *, out: Path | None = None, as_json: bool = False
) -> None:
    """Print an archive's report, and write it to files when a folder is given."""
    with sessions.begin() as session:
        made = make_report(session, archive_id)
        files = []
        if out is not None:
            files = write_files(out, made, archive_report.pairs_of(session, archive_id))
    if as_json:
        print_json(made.as_dict() | {"files": files})
        return
    table = Table(title=f"Archive {archive_id}: {made.archive}", show_header=False)
    for name, value in facts(made):
        table.add_row(name, value)
    console.print(table)
    console.print(made.recall, highlight=False)
    console.print(made.precision, highlight=False)
    for file in files:
        console.print(f"Written: {file}", highlight=False)
