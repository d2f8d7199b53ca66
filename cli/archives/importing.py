"""`askedbefore import`: imports an archive of old questions and mines it."""

import csv
import hashlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from cli import output
from cli.archives import reading_options
from cli.archives.archives import show
from cli.archives.fetching import fetched
from cli.archives.places import address_of, check_writable
from cli.archives.sampling import show_sample
from cli.archives.tally import Tally, tell
from cli.archives.watch import follow, wake
from cli.bars import file_bar
from cli.connect import database
from cli.output import AsJson, print_json
from db.archives import archives, reading
from db.archives.archives import ArchiveRow
from db.engine import FAILURES, Sessions
from db.errors import InvalidInputError
from db.imports import files
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.wording import counted
from db.work import workers
from worker.archives.databases import DatabaseArchive, is_address, open_database
from worker.archives.loading.attending import attended
from worker.archives.loading.batches import batches_of, check
from worker.archives.loading.load import OnBatch, load
from worker.archives.loading.missing import Rules, beside
from worker.archives.loading.options import mapping_of, means_of
from worker.archives.readers import (
    Archive,
    Block,
    KnownPair,
    Means,
    Memory,
    Piece,
    Reject,
    Same,
    open_archive,
    open_stream,
)
from worker.archives.readers.values.dates import DateOrder
from worker.text.cells import as_cell

console = Console(stderr=True)
_ALIVE_S = 90


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("import")(import_)


def import_(  # noqa: PLR0913  # each is an option of the command
    file: Annotated[str, typer.Argument(help="File to import; `-` reads standard input.")],
    *,
    forum: Annotated[str, typer.Option(help="Forum of the questions; created if it is new.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Read the whole file and store nothing.")] = False,
    form: reading_options.Form = None,
    columns: reading_options.Map = None,
    encoding: reading_options.Encoding = None,
    shape: reading_options.Program = "",
    table_prefix: reading_options.TablePrefix = None,
    password_file: reading_options.PasswordFile = None,
    records: reading_options.Records = "",
    names: reading_options.Columns = "",
    visible_if: reading_options.VisibleIf = None,
    base_url: reading_options.BaseUrl = "",
    dates: reading_options.DatesOf = DateOrder.AUTO,
    strict: reading_options.Strict = False,
    links: Annotated[
        bool, typer.Option(help="Store labelled pairs of the file as confirmed duplicates.")
    ] = True,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted import of this file.")
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(help="CSV of the rows that cannot be read; by default FILE.rejects.csv."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the archive; by default the name of the file."),
    ] = None,
    delete_missing: Annotated[
        bool,
        typer.Option(
            "--delete-missing",
            help="Erase questions of earlier imports of this name that this file lacks.",
        ),
    ] = False,
    with_erased: Annotated[
        bool, typer.Option("--with-erased", help="Bring back questions that were erased here.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Read the file even if it is known and unchanged.")
    ] = False,
    top_k: Annotated[int, typer.Option(min=1, help="Candidates of each question.")] = 100,
    wait: Annotated[bool, typer.Option(help="Wait until the archive is mined.")] = True,
    out: Annotated[
        Path | None, typer.Option("--report", help="Folder for report.html, .json and pairs.csv.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import the questions of FILE into a forum and find every duplicate among them.

    FILE is a file of nearly any kind, an http or https address, or the address of a forum's
    database. You can stop the command with Ctrl-C at any time: `--resume` continues to read the
    file, and the workers continue to mine the stored questions.

    Example: askedbefore import questions.csv --forum cooks
    """
    means = means_of(
        form=form,
        encoding=encoding,
        columns=names,
        chosen=mapping_of(columns, option="--map "),
        records=records,
        shape=shape,
        visible_if=visible_if or (),
        base_url=base_url,
        dates=dates,
        strict=strict,
    )
    opened: Archive | DatabaseArchive
    if is_address(file):
        found = address_of(file, password_file, resume=resume)
        file = found.shown
        opened = open_database(found, shape=shape, prefix=table_prefix, base_url=base_url)
    else:
        opened = _opened(file, means)
    with opened as archive:
        show_sample(file, archive)
        if not (yes or dry_run) and (
            file == "-" or not typer.confirm("Import these questions?", err=True)
        ):
            raise InvalidInputError("nothing was written; use --yes to import without being asked")
        tally = Tally()
        rows = tally.watched(archive.pieces() if links else _without_links(archive))
        rejected = rejects or _rejects_of(file)
        check_writable(report=out, rejects=rejected)
        if dry_run:
            with _reading(archive) as shown, _reject_file(rejected) as write:
                _dry_run(rows, shown, write, as_json=as_json)
            tell(tally, archive)
            return
        with database() as sessions:
            called = name or _name_of(file)
            rules = Rules(delete_missing=delete_missing, with_erased=with_erased, reads_all=again)
            asked = (means, links, delete_missing, with_erased, forum)
            digest = None if again or resume else _digest_of(file, asked)
            if digest is not None and (same := _known(sessions, forum, called, digest)):
                _say_unchanged(same, as_json=as_json)
                return
            row, held = _begin(sessions, forum, called, archive, resume=resume, top_k=top_k)
            more = held.position > 0
            with _reading(archive) as shown, _reject_file(rejected, more=more) as write:
                done = _load(
                    sessions,
                    row,
                    held,
                    rows,
                    on_batch=_both(shown, write),
                    rules=rules,
                    memory=archive.memory,
                )
            if digest is not None:
                with sessions.begin() as session:
                    files.note(session, done.id, digest + row.text_fields.encode())
            console.print(_summary(done, rules), highlight=False)
            tell(tally, archive)
            wake()
            if wait:
                _mine(sessions, done, out, as_json=as_json)
            elif as_json:
                print_json(asdict(done))


def _digest_of(file: str, asked: object) -> bytes | None:
    """Return a digest of the file and of its reading options; None if it is no local file."""
    path = Path(file)
    if "://" in file or not path.is_file() or path.name.startswith("Posts"):
        return None  # other files beside this dump are read too
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(repr(asked).encode())
    return digest.digest()


def _say_unchanged(archive_id: int, *, as_json: bool) -> None:
    console.print(
        f"Archive {archive_id} was the same file, and nothing has changed since: there is nothing"
        " to do. To read it anyway: --again",
        highlight=False,
    )
    if as_json:
        print_json({"archive": archive_id, "is_unchanged": True})


def _known(sessions: Sessions, forum: str, name: str, digest: bytes) -> int | None:
    with sessions.begin() as session:
        row = forums.ensure_forum(session, forum)
        return files.find_same(session, row.id, name, digest + row.text_fields.encode())


def _name_of(file: str) -> str:
    if file == "-":
        return "stdin"
    return file if "://" in file else Path(file).name


def _rejects_of(file: str) -> Path:
    if "://" in file:
        return Path(re.sub(r"\W+", "-", file) + ".rejects.csv")
    return Path(_name_of(file) if file == "-" else file).with_suffix(".rejects.csv")


def _opened(file: str, means: Means) -> Archive:
    if file == "-":
        return open_stream(sys.stdin.buffer, means)
    if re.match(r"https?://", file):
        return open_stream(fetched(file), means, name=urlsplit(file).path.rpartition("/")[2])
    return open_archive(Path(file), means)


def _without_links(archive: Archive | DatabaseArchive) -> Iterator[Piece]:
    for piece in archive.pieces():
        if isinstance(piece, (Block, Same)):
            others = [one for one in piece.others if not isinstance(one[1], KnownPair)]
            yield replace(piece, others=others)
        elif not isinstance(piece, KnownPair):
            yield piece


def _reading(
    archive: Archive | DatabaseArchive,
) -> AbstractContextManager[Callable[[int], None]]:
    return file_bar(console, archive.size, lambda: archive.bytes_read)


@contextmanager
def _reject_file(path: Path, *, more: bool = False) -> Iterator[Callable[[Sequence[Reject]], None]]:
    written = 0

    def write(rejects: Sequence[Reject]) -> None:
        nonlocal written
        if not rejects:
            return
        is_begun = bool(written) or (more and path.exists())
        with path.open("a" if is_begun else "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            if not is_begun:
                writer.writerow(("line", "reason"))
            writer.writerows((one.line, as_cell(one.reason)) for one in rejects)
        written += len(rejects)

    yield write
    if written:
        console.print(
            f"{counted(written, 'row')} could not be read; lines and reasons are in {path}",
            style="yellow",
            highlight=False,
        )


def _dry_run(
    records: Iterable[Piece],
    shown: Callable[[int], None],
    write: Callable[[Sequence[Reject]], None],
    *,
    as_json: bool,
) -> None:
    counts: Counter[str] = Counter()
    for part in batches_of(iter(records)):
        found, rejects = check(part)
        write(rejects)
        counts += found
        shown(counts["rows"])
    told = (
        f"{counted(counts['questions'], 'question')} and"
        f" {counted(counts['labels'], 'known duplicate')} can be read."
        " Nothing was written."
    )
    facts = {name: counts[name] for name in ("rows", "questions", "labels")}
    output.tell(told, as_json=as_json, on=console, **facts)


def _both(shown: Callable[[int], None], write: Callable[[Sequence[Reject]], None]) -> OnBatch:
    def on_batch(rows: int, rejects: Sequence[Reject]) -> None:
        write(rejects)
        shown(rows)

    return on_batch


def _begin(
    sessions: Sessions,
    forum: str,
    name: str,
    archive: Archive | DatabaseArchive,
    *,
    resume: bool,
    top_k: int,
) -> tuple[ForumRow, ArchiveRow]:
    with sessions.begin() as session:
        row = forums.ensure_forum(session, forum)
        held = reading.find_unloaded(session, row.id, name) if resume else None
        if resume and held is None:
            raise InvalidInputError(
                f"no interrupted import of {name} in forum {forum!r}: import it without --resume"
            )
        known = archive.fingerprint() if isinstance(archive, Archive) else None
        if held is not None and held.fingerprint not in {None, known}:
            raise InvalidInputError(
                f"{name} has changed since its import was interrupted: import it without --resume"
            )
        if held is not None:
            made = reading.read_on(session, held.id)
        else:
            made = archives.create(session, row.id, name=name, form=archive.form, top_k=top_k)
            archives.change(session, made.id, fingerprint=known)
    return row, made


def _load(
    sessions: Sessions,
    forum: ForumRow,
    held: ArchiveRow,
    records: Iterable[Piece],
    *,
    on_batch: OnBatch,
    rules: Rules,
    memory: Memory | None,
) -> ArchiveRow:
    try:
        with attended(sessions, held.id):
            return load(
                sessions, forum, held, records, on_batch=on_batch, rules=rules, memory=memory
            )
    except KeyboardInterrupt:
        console.print(
            "\nInterrupted. Run the same command with --resume to continue.", style="yellow"
        )
        raise typer.Exit(130) from None
    except FAILURES:
        console.print(
            "The questions that were stored stay. When the database answers again, run the same"
            " command with --resume to continue.",
            style="yellow",
        )
        raise


def _summary(done: ArchiveRow, rules: Rules) -> str:
    counts = (
        f"Archive {done.id}: {counted(done.created, 'new question')}, {done.changed:,} changed,"
        f" {done.unchanged:,} unchanged, {done.rejected:,} rejected."
    )
    return "\n".join([counts, *beside(done, rules)])


def _mine(sessions: Sessions, done: ArchiveRow, out: Path | None, *, as_json: bool) -> None:
    with sessions.begin() as session:
        alive = bool(workers.proved_lately(session, within_s=_ALIVE_S))
    if not alive:
        console.print("No worker is running: this command does the work itself.")
    try:
        follow(sessions, done.id, work=None if alive else _work_here())
    except KeyboardInterrupt:
        console.print(
            f"\nThe workers continue. To watch: askedbefore archives watch {done.id}",
            style="yellow",
        )
        raise typer.Exit(130) from None
    show(sessions, done.id, out=out, as_json=as_json)


def _work_here() -> Callable[[], object]:
    from worker.resources import resources  # noqa: PLC0415  # loads the models

    held = resources()
    return lambda: held.archives().run(held.settings.slice_s)
