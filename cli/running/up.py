"""`askedbefore up` and `down`: the whole service on this machine, with servers from wheels."""

import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console

from cli.client import Client, ServiceNotReadyError
from cli.output import Facts, with_json
from cli.preparing import Place, take_profile
from cli.running.children import end_leftovers
from cli.running.embedded import EmbeddedServers
from cli.running.home import UP, FolderInUseError, data_folder, environment, find_holder, is_held
from cli.running.service import held_servers, settings_of, start_processes
from cli.running.supervisor import Supervisor, note_in
from cli.sample import FORUM, tour
from db import schema
from db.engine import Sessions, make_engine, make_sessions
from db.errors import ConflictError, ServiceError
from db.tenants import forums, keys, people
from db.vectors import models
from db.vectors.rows import ModelKind
from db.work import workers
from worker.settings import Profile, WorkerSettings
from worker.weights.profiles import profile_of

_PORT = 8000
_PORTS_TRIED = 100
_READY_TIMEOUT_S = 600
_DOWN_TIMEOUT_S = 120
_PATIENCE = 10
"""Failures in a row of one process, about two minutes, before a ready service is stopped."""
_KEY_FILE = "sample.key"
_PERSON = "you"
_MAKE_YOURS = (
    "There is no sample forum. To create your own forum, with a key:\n"
    "  askedbefore keys create --forum NAME --create-forum --scope submit\n"
    "To review its pairs in the console:\n"
    "  askedbefore people add YOU --forum NAME --role admin\n"
    "  askedbefore people link YOU --url {url}"
)

console = Console()


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(up)
    app.command()(with_json(down))


def up(
    port: Annotated[
        int | None, typer.Option(help="Port of the API; by default 8000, or the next free one.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data folder; by default that of ASKEDBEFORE_HOME.")
    ] = None,
    sample: Annotated[
        bool, typer.Option(help="Create the sample forum and load its questions.")
    ] = True,
    profile: Annotated[
        Profile | None,
        typer.Option(
            help="Models of a new data folder: accurate, fast or auto. auto takes accurate if this"
            " costs two minutes at most. By default that of ASKEDBEFORE_PROFILE."
        ),
    ] = None,
) -> None:
    """Run the whole service on this machine: Postgres, Redis, API, worker, beat and a sample forum.

    Ctrl-C, SIGTERM or `askedbefore down` stops everything and keeps the data. The next start
    continues with them. A process that ends by itself is started again.

    Example: askedbefore up --data service
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # under nohup it is ignored
            signal.signal(number, signal.default_int_handler)
    folder = data_folder(data)
    console.print(f"Data folder: [bold]{folder}[/bold]", highlight=False)
    try:
        _run(folder, wanted=port, sample=sample, profile=profile)
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be gone
            console.print("Stopped. The data are kept.")


def down(
    data: Annotated[
        Path | None, typer.Option(help="Data folder; by default that of ASKEDBEFORE_HOME.")
    ] = None,
) -> Facts:
    """Stop the `askedbefore up` of a data folder, and wait until everything has ended.

    Example: askedbefore down --data service
    """
    folder = data_folder(data)
    holder = find_holder(folder)
    if holder is None:
        left = end_leftovers(folder)
        ended = f" Ended what an earlier start had left: {', '.join(left)}." if left else ""
        console.print(f"Nothing runs on {folder}.{ended}", soft_wrap=True)
        return {"folder": folder, "stopped": None, "left": left}
    if holder.command != UP:
        raise FolderInUseError(folder, holder)
    console.print(f"Stopping {holder}", highlight=False, soft_wrap=True)
    psutil.Process(holder.pid).terminate()
    deadline = time.monotonic() + _DOWN_TIMEOUT_S
    while is_held(folder):
        if time.monotonic() > deadline:
            raise ServiceError(
                f"process {holder.pid} has not ended within {_DOWN_TIMEOUT_S} s: read"
                f" {folder}/logs/up.log, or end it with `kill -9 {holder.pid}`"
            )
        time.sleep(0.1)
    console.print("Stopped. The data are kept.")
    return {"folder": folder, "stopped": holder.pid, "left": []}


@dataclass(frozen=True, slots=True)
class _Service:
    """The processes that `up` has started: servers and processes of the service."""

    servers: EmbeddedServers
    processes: Supervisor

    def check(self, patience: int | None = None) -> None:
        """Start processes again that have ended."""
        if patience is not None:
            self.processes.patience = patience
        self.servers.check(patience=patience)
        self.processes.check()


def _run(folder: Path, *, wanted: int | None, sample: bool, profile: Profile | None) -> None:
    say, port = _teller(folder / "logs" / "up.log"), _choose_port(wanted)
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        with console.status("Starting Postgres and Redis"):
            servers, running = stack.enter_context(held_servers(folder, url=url, say=say))
            if wanted is None and port != _PORT:
                say(f"Port {_PORT} is taken: the service listens on {port}")
            engine = make_engine(settings_of(running.database_url))
            stack.callback(engine.dispose)
            schema.upgrade(engine, say=say)
        sessions = make_sessions(engine)
        with sessions.begin() as session:
            workers.forget_proofs(session)  # their workers ended before this start
        key = _sample_key(folder, sessions) if sample else None
        given = environment(running)
        worker = WorkerSettings.model_validate({"redis_url": running.redis_url})
        settings = given | _models_of(sessions, worker, profile, say)
        service = _Service(servers, stack.enter_context(_processes(folder, settings, say)))
        start_processes(service.processes, port=port)
        client = stack.enter_context(Client(url, key))
        _wait_until_ready(service, client)
        if sample:
            tour.load(console, client, check=service.check)
            tour.show(console, client)
        console.print(f"\nThe service listens on [bold]{url}[/bold]", highlight=False)
        if key is not None:
            _say_sample(key, _sign_in_link(sessions, url))
        else:
            console.print(_MAKE_YOURS.format(url=url), markup=False, soft_wrap=True)
        console.print("Ctrl-C or `askedbefore down` stops it and keeps the data.", markup=False)
        while True:
            service.check(_PATIENCE)
            time.sleep(0.5)


def _processes(folder: Path, settings: dict[str, str], say: Callable[[str], object]) -> Supervisor:
    written = folder / "children-processes.json"
    return Supervisor(folder / "logs", settings, written=written, say=say)


def _models_of(
    sessions: Sessions,
    settings: WorkerSettings,
    profile: Profile | None,
    say: Callable[[str], object],
) -> dict[str, str]:
    """Return the settings that choose the models of a new data folder; empty if it has models."""
    with sessions.begin() as session:
        active = [models.find_active(session, kind) for kind in ModelKind]
    names = [None if row is None else row.name for row in active]
    if any(names):
        if profile not in {None, Profile.AUTO, profile_of(names[0], names[1])}:
            say(
                f"This data folder has its models already, {' and '.join(filter(None, names))}."
                " `askedbefore models add` and `askedbefore models activate` change them."
            )
        return {}
    wanted = profile or settings.profile
    if settings.bi_encoder or settings.reranker:
        return {"ASKEDBEFORE_PROFILE": wanted}
    place = Place(cache=settings.model_cache, device=settings.device)
    return {"ASKEDBEFORE_PROFILE": take_profile(console, wanted, place, say=say)}


def _teller(log: Path) -> Callable[[str], None]:
    """Return a function that prints a sentence with the time and adds it to a log."""

    def say(sentence: str) -> None:
        note_in(log, sentence)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with suppress(OSError):  # the terminal may be gone
            console.print(f"{now} {sentence}", highlight=False, markup=False, soft_wrap=True)

    return say


def _choose_port(wanted: int | None) -> int:
    """Return the given port, or the first free one."""
    if wanted is not None:
        if not _is_free(wanted):
            raise ConflictError(f"port {wanted} is taken: choose another one, or leave --port out")
        return wanted
    for port in range(_PORT, _PORT + _PORTS_TRIED):
        if _is_free(port):
            return port
    raise ServiceError(
        f"ports {_PORT} to {_PORT + _PORTS_TRIED - 1} are all taken: choose one with --port"
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _sample_key(folder: Path, sessions: Sessions) -> str:
    path = folder / _KEY_FILE
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, FORUM, title="Sample forum")
        if path.exists() and keys.find_key(session, path.read_text(encoding="utf-8")):
            return path.read_text(encoding="utf-8")
        scopes = ["submit", "review", "admin"]
        secret = keys.create_key(session, name="sample", forum_ids=[forum.id], scopes=scopes)
    path.touch(mode=0o600)
    path.write_text(secret, encoding="utf-8")
    return secret


def _wait_until_ready(service: _Service, client: Client) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    with console.status(
        "Starting the worker. The first start converts the models, which takes about a minute"
    ):
        while time.monotonic() < deadline:
            service.check()
            if client.is_ready():
                return
            time.sleep(0.2)
    raise ServiceNotReadyError(
        f"the service was not ready after {_READY_TIMEOUT_S} s: {client.what_is_missing()};"
        f" the end of the worker's log:\n{service.processes.log_tail('worker')}"
    )


def _sign_in_link(sessions: Sessions, url: str) -> str:
    with sessions.begin() as session:
        forum = forums.get_forum(session, FORUM)
        person = people.ensure_person(session, _PERSON)
        people.set_role(session, person.id, forum.id, people.Role.ADMIN)
        return people.create_sign_in_link(session, person.id, url)


def _say_sample(key: str, link: str) -> None:
    console.print("Review the pairs in a browser; this link signs you in once:")
    console.print(link, soft_wrap=True, highlight=False)
    console.print(f"A key for the forum {FORUM!r}: [bold]{key}[/bold]", highlight=False)
