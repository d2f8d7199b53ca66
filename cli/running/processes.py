"""`askedbefore migrate`, `api`, `worker` and `beat`: the processes of a deployed service."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api.settings import ApiSettings
from cli.output import AsJson, tell
from db import facts, schema
from db.engine import make_engine
from db.errors import InvalidInputError
from db.settings import DatabaseSettings
from db.work.rows import Lane

ALL_LANES = ",".join(Lane)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (migrate, api, worker, beat):
        app.command()(command)


def migrate(
    api_role: Annotated[
        str | None,
        typer.Option(
            help="Role of Postgres for the API: it may read and write rows, but not create or drop"
            " tables."
        ),
    ] = None,
    api_password_file: Annotated[
        Path | None,
        typer.Option(help="File with the password of that role; the role is created if it is new."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Update the database to the newest schema. Running the command twice does no harm.

    Example: askedbefore migrate --api-role api --api-password-file api_password
    """
    if api_password_file is not None and api_role is None:
        raise InvalidInputError("--api-password-file needs --api-role, the name of the role")
    engine = make_engine(DatabaseSettings())
    console = Console(stderr=True)
    schema.upgrade(engine, say=console.print)
    if api_role is not None:
        if api_password_file is not None:
            password = api_password_file.read_text(encoding="utf-8").strip()
            schema.let_sign_in(engine, api_role, password)
        schema.let_write_rows(engine, api_role)
    with engine.connect() as connection:
        newest = sorted(facts.revisions(connection))
    engine.dispose()
    tell("The database has the newest schema.", as_json=as_json, on=console, schema=newest)


def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    processes: Annotated[int, typer.Option(help="Number of processes that answer requests.")] = 1,
) -> None:
    """Serve the HTTP API and the moderators' console.

    Example: askedbefore api --port 8000 --processes 2
    """
    for settings in (ApiSettings, DatabaseSettings):
        settings()  # unsafe settings are refused here with one sentence, before the server starts
    options = {"--host": host, "--port": str(port), "--processes": str(processes)}
    arguments = [word for option in options.items() for word in option]
    # The server replaces this process, so the modules of the command line take no memory in it.
    server = [sys.executable, "-m", "api.server", *arguments]
    os.execv(sys.executable, server)  # noqa: S606  # no shell is wanted


def worker(
    lanes: Annotated[
        str, typer.Option(help="Lanes to work on, the most urgent one first.")
    ] = ALL_LANES,
    name: Annotated[str, typer.Option(help="Name of this worker, unique on its machine.")] = "main",
) -> None:
    """Work on the given lanes in one process with its own models. Run one worker for each GPU.

    On SIGTERM it finishes the running batch or gives it back, within about a second.

    Example: askedbefore worker --lanes check,live --name one
    """
    from worker.app import make_app  # noqa: PLC0415  # Celery is not for the other commands
    from worker.settings import WorkerSettings  # noqa: PLC0415
    from worker.weights.export import take_exports  # noqa: PLC0415

    wanted = ",".join(Lane(lane.strip()) for lane in lanes.split(","))
    settings = WorkerSettings()
    if settings.model_exports is not None:
        take_exports(settings.model_exports, settings.model_cache)
    make_app(settings).worker_main(
        [
            "--quiet",
            "worker",
            "--pool=prefork",
            "--concurrency=1",
            f"--queues={wanted}",
            f"--hostname={name}@%h",
            "--without-gossip",
            "--without-mingle",
            "--loglevel=WARNING",
        ]
    )


def beat() -> None:
    """Send the periodic tasks. Run one beat beside the workers: a second one waits for its end.

    Example: askedbefore beat
    """
    from worker.app import make_app  # noqa: PLC0415  # Celery is not for the other commands
    from worker.scheduling.beat import schedule_of  # noqa: PLC0415
    from worker.settings import WorkerSettings  # noqa: PLC0415

    settings = WorkerSettings()
    schedule = schedule_of(settings)
    beat_: Any = make_app(
        settings, with_tasks=False
    ).Beat  # its type stubs allow only names of schedules
    beat_(loglevel="WARNING", quiet=True, scheduler_cls=schedule).run()
