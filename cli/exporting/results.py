"""`askedbefore export redirects` and `export groups`: confirmed duplicates for the forum."""

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console

from cli.connect import database
from cli.exporting.programs import discourse_script, is_number, phpbb_sql
from cli.one_file import replaced
from cli.output import Facts, with_json
from db.engine import Sessions
from db.groups import redirects as db_redirects
from db.groups.redirects import Member, Redirect
from db.tenants import forums
from db.wording import counted as in_words
from worker.text.cells import as_cell

console = Console(stderr=True)
_PAGE = 1_000


class Form(StrEnum):
    """The format of the rows."""

    CSV = "csv"
    JSONL = "jsonl"


class Program(StrEnum):
    """The program for which redirects are written."""

    PHPBB = "phpbb-sql"
    DISCOURSE = "discourse-script"


_Forum = Annotated[str, typer.Option(help="Name of the forum.")]
_Out = Annotated[Path | None, typer.Option(help="File to write; by default standard output.")]
_Form = Annotated[Form, typer.Option("--format", help="Format of the file: csv or jsonl.")]
_Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Data folder of `askedbefore up`; not needed with your own servers."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to `askedbefore export`."""
    app.command("redirects")(with_json(redirects, file="out"))
    app.command("groups")(with_json(groups, file="out"))


def redirects(  # each is an option of the command
    *,
    forum: _Forum,
    out: _Out = None,
    form: _Form = Form.CSV,
    program: Annotated[
        Program | None, typer.Option("--as", help="Write SQL for phpBB or a script for Discourse.")
    ] = None,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="Only pairs of at least this score.")
    ] = 0.0,
    prefix: Annotated[
        str, typer.Option("--table-prefix", help="Prefix of phpBB's tables.")
    ] = "phpbb_",
    apply: Annotated[
        bool,
        typer.Option("--apply", help="End the SQL with COMMIT; without it, it ends with ROLLBACK."),
    ] = False,
    data: _Data = None,
) -> Facts:
    """Write the canonical question of each duplicate: both ids and addresses, score, who decided.

    Example: askedbefore export redirects --forum cooks --out redirects.csv
    """
    with database(data) as sessions, replaced(out) as stream:
        rows = (row for row in _redirects(sessions, forum) if row.score >= min_score)
        counted = _Counted(rows if program is None else filter(is_number, rows))
        match program:
            case None:
                _write(stream, (_as_row(row) for row in counted), form)
            case Program.PHPBB:
                stream.writelines(phpbb_sql(counted, prefix=prefix, apply=apply))
            case Program.DISCOURSE:
                stream.writelines(discourse_script(counted))
    console.print(f"{in_words(counted.count, 'redirect')} written.", highlight=False)
    return {"file": out, "redirects": counted.count}


def groups(*, forum: _Forum, out: _Out = None, form: _Form = Form.CSV, data: _Data = None) -> Facts:
    """Write the questions of every group, group by group.

    Example: askedbefore export groups --forum cooks --out groups.csv
    """
    with database(data) as sessions, replaced(out) as stream:
        counted = _Counted(_members(sessions, forum))
        _write(stream, (_as_row(row) for row in counted), form)
    written = in_words(counted.count, "question in groups", "questions in groups")
    console.print(f"{written} written.", highlight=False)
    return {"file": out, "questions": counted.count}


class _Counted:
    """An iterator of rows that counts them."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        for row in self._rows:
            self.count += 1
            yield row


def _redirects(sessions: Sessions, forum: str) -> Iterator[Redirect]:
    after = 0
    while True:
        with sessions.begin() as session:
            row = forums.get_forum(session, forum)
            page = db_redirects.redirects(session, row.id, after=after, limit=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].question_id


def _members(sessions: Sessions, forum: str) -> Iterator[Member]:
    after = (0, 0)
    while True:
        with sessions.begin() as session:
            row = forums.get_forum(session, forum)
            page = db_redirects.members(session, row.id, after=after, limit=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = (page[-1].group_id, page[-1].question_id)


def _as_row(row: Redirect | Member) -> dict[str, Any]:
    values = asdict(row)
    values.pop("question_id")
    return values


def _write(stream: TextIO, rows: Iterator[dict[str, Any]], form: Form) -> None:
    if form is Form.JSONL:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return
    writer = csv.writer(stream, lineterminator="\n")
    is_begun = False
    for row in rows:
        if not is_begun:
            writer.writerow(row)
            is_begun = True
        writer.writerow(_cell(value) for value in row.values())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else as_cell(str(value))
