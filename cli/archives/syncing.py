"""`askedbefore sync`: imports that are repeated at an interval."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from cli.archives import reading_options
from cli.archives.fetching import download
from cli.archives.watch import wake
from cli.connect import database
from cli.output import AsJson, print_json, tell
from db.archives import archives
from db.engine import Sessions
from db.errors import InvalidInputError, ServiceError
from db.imports import syncs
from db.imports.syncs import SyncRow
from db.tenants import forums
from db.tenants.rows import ForumRow
from worker.archives.databases import Address, DatabaseArchive, is_address, open_database
from worker.archives.databases.addresses import has_password
from worker.archives.load_job import Format
from worker.archives.loading.attending import attended
from worker.archives.loading.load import load
from worker.archives.loading.missing import Rules, beside
from worker.archives.loading.options import means_of
from worker.archives.readers import Archive, Means, open_archive
from worker.archives.readers.values.dates import DateOrder

app = typer.Typer(
    help="Repeat an import at an interval: of a URL, a folder, a file or a forum's database.",
    no_args_is_help=True,
)
console = Console(stderr=True)
_UNITS = {"m": 60, "h": 3_600, "d": 86_400}
_LEAST_S = 60
_OVERLAP = timedelta(minutes=5)
"""Overlap of two runs: a change may be committed some time after the time that its row shows."""
_WHOLE_EVERY = timedelta(days=1)
"""How often the whole database is read: only then questions that are gone are noticed."""
_TOP_K = 100

_Id = Annotated[
    int, typer.Argument(metavar="ID", help="Number of the sync, as `sync list` shows it.")
]


@app.command()
def add(  # noqa: PLR0913  # each is an option of the command
    source: Annotated[str, typer.Argument(help="URL, folder, file, or address of a database.")],
    *,
    forum: Annotated[str, typer.Option(help="Forum of the questions; created if it is new.")],
    every: Annotated[str, typer.Option(help="Interval: 30m, 6h or 1d, for example.")] = "1d",
    shape: reading_options.Program = "",
    table_prefix: reading_options.TablePrefix = None,
    password_file: reading_options.PasswordFile = None,
    base_url: reading_options.BaseUrl = "",
    form: reading_options.Form = None,
    columns: reading_options.Map = None,
    encoding: reading_options.Encoding = None,
    records: reading_options.Records = "",
    names: reading_options.Columns = "",
    visible_if: reading_options.VisibleIf = None,
    dates: reading_options.DatesOf = DateOrder.AUTO,
    strict: reading_options.Strict = False,
    delete_missing: Annotated[
        bool,
        typer.Option("--delete-missing", help="Erase questions that the source no longer has."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Repeat an import from now on. The workers run it, or `askedbefore sync run` does.

    Options about the files, such as `--map`, are stored and used in each run.

    Example: askedbefore sync add https://forum.example/questions.csv --forum cooks --every 6h
    """
    if is_address(source) and has_password(source):
        raise InvalidInputError(
            "a password is not stored: leave it out of the address and use --password-file, or"
            " set ASKEDBEFORE_SOURCE_PASSWORD for the workers"
        )
    options: dict[str, object] = {
        "shape": shape,
        "table_prefix": table_prefix,
        "password_file": str(password_file.resolve()) if password_file else None,
        "base_url": base_url,
        "delete_missing": delete_missing,
    }
    where = source if "://" in source else str(Path(source).resolve())
    if not is_address(source):
        options["reading"] = reading_options.kept(
            columns,
            form=form,
            encoding=encoding,
            columns=names,
            records=records,
            shape=shape,
            visible_if=visible_if,
            base_url=base_url,
            dates=dates,
            strict=strict,
        )
    kept = {name: value for name, value in options.items() if value}
    with database() as sessions, sessions.begin() as session:
        row = forums.ensure_forum(session, forum)
        made = syncs.add(session, row.id, where, options=kept, every_s=seconds_of(every))
    words = f"Sync {made.id} of {where} is added. Its first run is due now."
    tell(words, as_json=as_json, on=console, **asdict(made))


def seconds_of(text: str) -> int:
    """Return an interval such as ``6h`` in seconds; raises `InvalidInputError`."""
    found = re.fullmatch(r"(\d{1,6})\s*([mhd])", text.strip())
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not _LEAST_S <= seconds <= 365 * _UNITS["d"]:
        raise InvalidInputError(
            f"--every {text}: must be an interval such as 30m, 6h or 1d, from 1m to 365d"
        )
    return seconds


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the syncs and how their last runs ended.

    Example: askedbefore sync list
    """
    table = Table("id", "forum", "source", "every", "last run", "next run", "last error")
    with database() as sessions, sessions.begin() as session:
        rows = syncs.list_syncs(session)
        names = forums.find_forums(session, {row.forum_id for row in rows})
    if as_json:
        print_json([asdict(row) | {"forum": names[row.forum_id].name} for row in rows])
        return
    for row in rows:
        last = f"{row.run_at:%Y-%m-%d %H:%M}" if row.run_at else "never"
        following = f"{row.due_at:%Y-%m-%d %H:%M}"
        every = str(timedelta(seconds=row.every_s))
        cells = (names[row.forum_id].name, row.source, every, last, following, row.error or "")
        table.add_row(str(row.id), *cells)
    Console().print(table)


@app.command()
def remove(sync: _Id, as_json: AsJson = False) -> None:
    """End a sync. The questions that it has imported stay.

    Example: askedbefore sync remove 2
    """
    with database() as sessions, sessions.begin() as session:
        syncs.remove(session, sync)
    tell(f"Sync {sync} is removed.", as_json=as_json, on=console, removed=sync)


@app.command()
def run(
    sync: Annotated[
        int | None,
        typer.Argument(metavar="ID", help="Number of the sync; without it, all that are due."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run one sync now, or all that are due.

    Example: askedbefore sync run 2
    """
    done: list[Ran] = []
    with database() as sessions:
        while (row := _claimed(sessions, sync)) is not None:
            done.append(run_one(sessions, row))
            if sync is not None:
                break
        else:
            if sync is not None:
                raise InvalidInputError(
                    f"there is no sync {sync}: `askedbefore sync list` shows them"
                )
    if as_json:
        print_json([asdict(one) for one in done])
    if any(one.error is not None for one in done):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of one run of a sync."""

    sync: int
    archive: int | None
    """The last archive that the run imported, if any."""
    error: str | None


def _claimed(sessions: Sessions, sync_id: int | None) -> SyncRow | None:
    with sessions.begin() as session:
        return syncs.claim(session, sync_id)


def run_one(sessions: Sessions, row: SyncRow) -> Ran:
    """Run one sync, store its result and return it."""
    with sessions.begin() as session:
        forum = forums.find_forums(session, {row.forum_id})[row.forum_id]
    cursor, archive_id, error = dict(row.cursor), None, None
    try:
        for archive_id, cursor in _imports(sessions, forum, row):  # noqa: B007  # the last counts
            wake()
    except (ServiceError, OSError) as caught:
        error = str(caught) or type(caught).__name__
    with sessions.begin() as session:
        syncs.finish(session, row, cursor=cursor, archive_id=archive_id, error=error)
    if error is not None:
        console.print(f"Sync {row.id}: {error}", style="red", highlight=False, markup=False)
    return Ran(row.id, archive_id, error)


_Done = tuple[int, dict[str, Any]]


def _imports(sessions: Sessions, forum: ForumRow, row: SyncRow) -> Iterator[_Done]:
    """Import what has changed. After each archive, yield its id and the cursor of the next run."""
    if is_address(row.source):
        yield _import_database(sessions, forum, row)
    elif re.match(r"https?://", row.source):
        yield from _import_url(sessions, forum, row)
    else:
        yield from _import_files(sessions, forum, row)


def _import_database(sessions: Sessions, forum: ForumRow, row: SyncRow) -> _Done:
    begun = datetime.now(UTC)
    whole_at = _moment(row.cursor.get("whole_at"))
    is_whole = whole_at is None or begun - whole_at >= _WHOLE_EVERY
    since = None if is_whole else _moment(row.cursor.get("since"))
    file = row.options.get("password_file")
    address = Address.of(row.source, password_file=Path(file) if file else None)
    archive = open_database(
        address,
        shape=row.options.get("shape", ""),
        prefix=row.options.get("table_prefix"),
        base_url=row.options.get("base_url", ""),
        since=since,
    )
    rules = _rules(row, is_complete=since is None)
    archive_id = _load(sessions, forum, archive, name=address.shown, rules=rules)
    kept = begun.isoformat() if since is None else row.cursor["whole_at"]
    return archive_id, {"since": (begun - _OVERLAP).isoformat(), "whole_at": kept}


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def _import_files(sessions: Sessions, forum: ForumRow, row: SyncRow) -> Iterator[_Done]:
    place = Path(row.source)
    if not place.exists():
        raise InvalidInputError(
            f"{place}: there is no such file or folder; put it back, or remove the sync"
        )
    cursor = dict(row.cursor)
    files = sorted(one for one in place.iterdir() if one.is_file()) if place.is_dir() else [place]
    for file in files:
        state = file.stat()
        seen = [state.st_size, state.st_mtime_ns]
        if file.name.startswith(".") or cursor.get(file.name) == seen:
            continue
        with open_archive(file, _means(row)) as archive:
            archive_id = _load(sessions, forum, archive, name=file.name, rules=_rules(row))
        cursor[file.name] = seen
        yield archive_id, dict(cursor)


def _import_url(sessions: Sessions, forum: ForumRow, row: SyncRow) -> Iterator[_Done]:
    with _downloaded(row.source, row.cursor) as found:
        if found is None:
            return
        file, cursor = found
        with open_archive(file, _means(row)) as archive:
            archive_id = _load(sessions, forum, archive, name=row.source, rules=_rules(row))
        yield archive_id, cursor


@contextmanager
def _downloaded(url: str, cursor: Any) -> Iterator[tuple[Path, dict[str, Any]] | None]:
    """Yield the file at *url*, with what marks its version; None if it has not changed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / (Path(urlsplit(url).path).name or "download")
        with file.open("wb") as out:
            marks = download(url, out, known=cursor)
        yield None if marks is None else (file, marks)


def _means(row: SyncRow) -> Means:
    """Return how the files are read. Syncs of earlier versions have no such options."""
    told: dict[str, Any] = dict(row.options.get("reading") or {})
    if form := told.pop("form", None):
        told["form"] = Format(form)
    return means_of(**told)


def _rules(row: SyncRow, *, is_complete: bool = True) -> Rules:
    wanted = bool(row.options.get("delete_missing"))
    return Rules(delete_missing=wanted, is_complete=is_complete)


def _load(
    sessions: Sessions,
    forum: ForumRow,
    archive: Archive | DatabaseArchive,
    *,
    name: str,
    rules: Rules,
) -> int:
    with sessions.begin() as session:
        held = archives.create(session, forum.id, name=name, form=archive.form, top_k=_TOP_K)
    with attended(sessions, held.id):
        done = load(sessions, forum, held, archive.pieces(), rules=rules, memory=archive.memory)
    told = (
        f"{name}: {done.created:,} new, {done.changed:,} changed, {done.unchanged:,} unchanged,"
        f" {done.rejected:,} rejected."
    )
    for line in [told, *beside(done, rules)]:
        console.print(line, highlight=False, markup=False)
    return done.id
