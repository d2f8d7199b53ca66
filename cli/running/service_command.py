"""`askedbefore service install`: the service under systemd."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.output import AsJson, print_json
from cli.running.systemd import Place, install
from db.errors import InvalidInputError

app = typer.Typer(help="Run the service under systemd, without Docker.", no_args_is_help=True)
console = Console(stderr=True)


@app.callback()
def _group() -> None:
    """Make it a group of commands, although it has only one."""


@app.command("install")
def install_(
    user: Annotated[
        bool, typer.Option("--user", help="Write units for the systemd of this user.")
    ] = False,
    system: Annotated[
        bool, typer.Option("--system", help="Write units for the whole system; needs root.")
    ] = False,
    root: Annotated[Path, typer.Option(hidden=True, help="Where the system's files begin.")] = Path(
        "/"
    ),
    as_json: AsJson = False,
) -> None:
    """Write the systemd units of API, workers, beat and migration, and a file for their settings.

    Example: askedbefore service install --user
    """
    if user == system:
        raise InvalidInputError("give either --user or --system")
    place = Place.of_user() if user else Place.of_system(root)
    written = install(place)
    if as_json:
        print_json({"written": written, "settings": place.settings})
        return
    for path in written:
        typer.echo(path)
    how = "systemctl --user" if user else "systemctl"
    add = "" if user else "  useradd --system askedbefore\n"
    console.print(
        f"Next: put the addresses of Postgres and Redis into {place.settings}, then run:\n{add}"
        f"  {how} daemon-reload\n"
        f"  {how} enable --now askedbefore-api askedbefore-worker@1 askedbefore-beat",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
