"""Options that describe a file, for the commands that read one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from worker.archives.load_job import Format
from worker.archives.loading.options import mapping_of, means_of
from worker.archives.readers.values.dates import DateOrder

Form = Annotated[
    Format | None, typer.Option("--format", help="Format of the file, if it is detected wrongly.")
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help="Which column has a field: FIELD=COLUMN, such as title=subject; repeatable."
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of the file, such as cp1252, if it is detected wrongly."),
]
Program = Annotated[
    str,
    typer.Option(
        "--as",
        help="Program that wrote the file or has the database, such as phpbb, if it is recognised"
        " wrongly.",
    ),
]
TablePrefix = Annotated[
    str | None, typer.Option(help="Prefix of the database's tables, if it is not the usual one.")
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help="File with the database's password, so that no list of processes shows it."),
]
BaseUrl = Annotated[str, typer.Option(help="Address of the forum, to put before relative links.")]
Records = Annotated[
    str, typer.Option(help="Where the questions are: a table, or a path in JSON such as a.b.c")
]
Columns = Annotated[
    str, typer.Option("--columns", help="Names of all columns of a file without a header.")
]
VisibleIf = Annotated[
    list[str] | None,
    typer.Option(help="Import only rows with COLUMN=VALUE, which everybody may see; repeatable."),
]
DatesOf = Annotated[
    DateOrder,
    typer.Option(help="How dates such as 03/04/2014 or 41732 are read: dmy, mdy or excel."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Reject a row if one of its values cannot be used.")
]


def kept(chosen: Sequence[str] | None, **others: Any) -> dict[str, Any]:
    """Return the given options as JSON values for `means_of`; raises `InvalidInputError`."""
    told = {"chosen": mapping_of(chosen, option="--map "), **others}
    told = {name: value for name, value in told.items() if value and value != DateOrder.AUTO}
    means_of(**told)
    return told
