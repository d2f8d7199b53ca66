"""`askedbefore doctor`: what is wrong here, and what to do about it."""

from collections.abc import Callable

import typer
from rich.console import Console
from sqlalchemy import text

from cli.connect import service
from db import schema
from db.engine import make_engine, make_sessions
from db.errors import ServiceError
from db.settings import DatabaseSettings
from db.vectors import models
from db.vectors.rows import ModelKind
from db.work import jobs, workers
from worker.inference.profiles import profile_of
from worker.queue import CeleryQueue
from worker.settings import WorkerSettings

MINIMUM_PGVECTOR = (0, 8, 4)
_PROOFS_MISSED = 3

console = Console()


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(doctor)


class _AilmentError(ServiceError):
    """A part of the service does not work."""


def doctor() -> None:
    """Check every part of the service and say what to do about each fault."""
    checks: dict[str, Callable[[], str]] = {
        "database": _database,
        "schema": _schema,
        "queue": _queue,
        "models": _models,
        "workers": _workers,
        "set aside": _set_aside,
    }
    with service():
        ill = [name for name, check in checks.items() if not _report(name, check)]
    if ill:
        raise typer.Exit(1)


def _report(name: str, check: Callable[[], str]) -> bool:
    try:
        said, good = check(), True
    except ServiceError as error:
        said, good = str(error), False
    except Exception as error:  # noqa: BLE001  # a doctor reports whatever it meets
        said, good = f"{type(error).__name__}: {error}", False
    mark = "[green]ok[/green]  " if good else "[red]look[/red]"
    console.print(f"{mark} {name:<10} {said}", highlight=False)
    return good


def _database() -> str:
    engine = make_engine(DatabaseSettings())
    with engine.connect() as connection:
        server = connection.execute(text("SHOW server_version")).scalar_one()
        statement = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
        vector = connection.execute(text(statement)).scalar_one_or_none()
    if vector is None:
        raise _AilmentError("Postgres has no pgvector: install 0.8.4 or newer")
    if tuple(int(part) for part in str(vector).split(".")) < MINIMUM_PGVECTOR:
        raise _AilmentError(
            f"pgvector {vector} can lose index entries on VACUUM: install 0.8.4 or newer"
        )
    return f"Postgres {server} with pgvector {vector}"


def _schema() -> str:
    with make_engine(DatabaseSettings()).connect() as connection:
        if not schema.is_at_head(connection):
            raise _AilmentError("the schema is old: run `askedbefore migrate`")
    return "newest"


def _queue() -> str:
    CeleryQueue(WorkerSettings().redis_url.get_secret_value()).ping()
    return "Redis answers"


def _models() -> str:
    sessions = make_sessions(make_engine(DatabaseSettings()))
    with sessions.begin() as session:
        active = [models.find_active(session, kind) for kind in ModelKind]
    if None in active:
        raise _AilmentError("no model is active yet: start a worker")
    names = {model.kind: model.name for model in active if model is not None}
    profile = profile_of(names[ModelKind.BI_ENCODER], names[ModelKind.RERANKER])
    return ", ".join(names.values()) + (f" (profile {profile})" if profile else "")


def _workers() -> str:
    sessions = make_sessions(make_engine(DatabaseSettings()))
    within_s = _PROOFS_MISSED * WorkerSettings().proof_s
    with sessions.begin() as session:
        proofs = workers.proved_lately(session, within_s=within_s)
    if not proofs:
        raise _AilmentError(
            f"no worker has run its models in the last {within_s} s:"
            " start `askedbefore worker` and `askedbefore beat`"
        )
    return f"{len(proofs)} ready, the latest proof took {proofs[0].proof_ms:.0f} ms"


def _set_aside() -> str:
    sessions = make_sessions(make_engine(DatabaseSettings()))
    with sessions.begin() as session:
        failed = sum(count for _, state, count in jobs.counts(session) if state == "failed")
    if failed:
        raise _AilmentError(
            f"{failed} questions are set aside: see their errors, then run `askedbefore retry`"
        )
    return "nothing"
