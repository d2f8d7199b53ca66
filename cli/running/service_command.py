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
    """Keep it a group, though it has one command."""


@app.command("install")
def install_(
    user: Annotated[bool, typer.Option("--user", help="For this user's systemd.")] = False,
    system: Annotated[
        bool, typer.Option("--system", help="For the whole system; run it as root.")
    ] = False,
    root: Annotated[Path, typer.Option(hidden=True, help="Where the system's files begin.")] = Path(
        "/"
    ),
    as_json: AsJson = False,
) -> None:
    """Write the units for API, workers, beat and migration, and a file for their settings."""
    if user == system:
        raise InvalidInputError("choose --user or --system")
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
        f"Next: put your addresses into {place.settings}, then\n{add}  {how} daemon-reload\n"
        f"  {how} enable --now askedbefore-api askedbefore-worker@1 askedbefore-beat",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
