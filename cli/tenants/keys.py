"""`askedbefore keys`: API keys for a forum's backend and for scripts."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from cli.connect import database
from cli.output import AsJson, print_json, tell
from db.tenants import forums, keys
from db.tenants.rows import ForumRow, KeyRow

app = typer.Typer(
    help="Create, list, rotate and revoke API keys.\n\n"
    "A key is shown once: only its hash is stored.",
    no_args_is_help=True,
)
console = Console(stderr=True)

MOST_HOURS = 1_000_000
"""More than a hundred years; what Postgres can add to now."""

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Data folder of `askedbefore up`; not needed with your own servers."
    ),
]


@app.command()
def create(
    *,
    forum: Annotated[list[str], typer.Option(help="Forum that the key is for; repeatable.")],
    scope: Annotated[
        list[str],
        typer.Option(help="What the key may do: submit, review, admin or ask; repeatable."),
    ],
    name: Annotated[
        str, typer.Option(help="Name of the key in your list; by default the forums.")
    ] = "",
    create_forum: Annotated[
        bool, typer.Option("--create-forum", help="Create the forum if it is new.")
    ] = False,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="With --scope ask: the web site that may use the key, such as"
            " https://forum.example; repeatable."
        ),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Create a key. The last line of standard output is the key and nothing else.

    Example: askedbefore keys create --forum cooks --scope submit
    """
    with database(data) as sessions, sessions.begin() as session:
        rows = [_forum(session, one, create=create_forum) for one in forum]
        secret = keys.create_key(
            session,
            name=name or ", ".join(forum),
            forum_ids=[row.id for row in rows],
            scopes=scope,
            origins=origin or (),
        )
    if as_json:
        print_json({"key": secret, "forums": forum, "scopes": scope})
        return
    console.print("Save this key: it cannot be shown again.", style="dim")
    typer.echo(secret)


def _forum(session: Session, name: str, *, create: bool) -> ForumRow:
    return forums.ensure_forum(session, name) if create else forums.get_forum(session, name)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the keys. Only the beginning of each is known.

    Example: askedbefore keys list
    """
    with database() as sessions, sessions.begin() as session:
        known = keys.list_keys(session)
    if as_json:
        print_json([asdict(key) for key in known])
    else:
        Console().print(_table(known))


def _table(known: Sequence[KeyRow]) -> Table:
    table = Table("key", "name", "forums", "scopes", "state")
    for key in known:
        scopes = ", ".join(sorted(key.scopes))
        table.add_row(f"{key.prefix}…", key.name, ", ".join(key.forums), scopes, _state(key))
    return table


def _state(key: KeyRow) -> str:
    if key.revoked_at is not None:
        return "revoked"
    has_ended = key.expires_at is not None and key.expires_at <= datetime.now(UTC)
    return "expired" if has_ended else "valid"


@app.command()
def rotate(
    prefix: Annotated[str, typer.Argument(help="The beginning of the key, as `list` shows it.")],
    keep_hours: Annotated[
        float, typer.Option(min=0, max=MOST_HOURS, help="Hours for which the old key still works.")
    ] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Make a new key with the same rights. The last line of standard output is the new key.

    Example: askedbefore keys rotate ab_1a2B3c4D --keep-hours 48
    """
    with database() as sessions, sessions.begin() as session:
        secret = keys.rotate_key(session, prefix, keep=timedelta(hours=keep_hours))
    if as_json:
        print_json({"key": secret, "old": prefix, "old_works_hours": keep_hours})
        return
    console.print(
        f"{prefix}… works for another {keep_hours:g} h. Save the new key: it is shown once.",
        style="dim",
        highlight=False,
    )
    typer.echo(secret)


@app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="The beginning of the key, as `list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a key at once.

    Example: askedbefore keys revoke ab_1a2B3c4D
    """
    with database() as sessions, sessions.begin() as session:
        keys.revoke_key(session, prefix)
    tell(f"{prefix}… is revoked.", as_json=as_json, on=console, revoked=prefix)
