"""`askedbefore up`: the whole service on this machine, with servers out of wheels."""

import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from cli.client import Client, ServiceNotReadyError
from cli.embedded import EmbeddedServers
from cli.home import data_folder, environment, hold
from cli.sample import FORUM, labels, load_questions
from cli.supervisor import Supervisor
from db import schema
from db.engine import Sessions, make_engine, make_sessions
from db.errors import ServiceError
from db.settings import DatabaseSettings
from db.tenants import forums, keys, people

_READY_TIMEOUT_S = 600
_KEY_FILE = "sample.key"
_PERSON = "you"
_ROWS = 25

console = Console()


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(up)


def up(
    port: Annotated[int, typer.Option(help="Port of the API; the next free one is taken.")] = 8000,
    data: Annotated[
        Path | None, typer.Option(help="Data folder; ASKEDBEFORE_HOME is its default.")
    ] = None,
    sample: Annotated[bool, typer.Option(help="Load the sample forum.")] = True,
) -> None:
    """Run the whole service here: Postgres, Redis, API, worker, and a sample forum to look at.

    Ctrl-C stops everything and keeps the data; the next start goes on where this one ended.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = data_folder(data)
    console.print(f"Data folder: [bold]{folder}[/bold]", highlight=False)
    try:
        _run(folder, _free_port(port), sample=sample)
    except KeyboardInterrupt:
        console.print("Stopped. The data stay where they are.")


def _run(folder: Path, port: int, *, sample: bool) -> None:
    with ExitStack() as stack:
        with console.status("Starting Postgres and Redis"):
            servers = EmbeddedServers(folder)
            stack.callback(servers.stop)
            running = stack.enter_context(hold(folder, servers.start))
            settings = DatabaseSettings.model_validate({"database_url": running.database_url})
            engine = make_engine(settings)
            stack.callback(engine.dispose)
            schema.upgrade(engine)
        key = _sample_key(folder, make_sessions(engine))
        supervisor = stack.enter_context(Supervisor(folder / "logs", environment(running)))
        supervisor.start("api", ["api", "--port", str(port)])
        supervisor.start("worker", ["worker"])
        supervisor.start("beat", ["beat"])
        client = stack.enter_context(Client(f"http://127.0.0.1:{port}", key))
        _wait_until_ready(supervisor, client)
        if sample:
            _load_sample(supervisor, client)
            _show_pairs(client)
        link = _sign_in_link(make_sessions(engine), client.url)
        _say_where(client, key, link)
        while True:
            supervisor.check()
            time.sleep(1)


def _free_port(wanted: int) -> int:
    for port in range(wanted, wanted + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise ServiceError(f"no free port from {wanted} on; choose another with --port")


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


def _wait_until_ready(supervisor: Supervisor, client: Client) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    with console.status(
        "Starting the worker (the first start converts the models, about a minute)"
    ):
        while time.monotonic() < deadline:
            supervisor.check()
            if client.is_ready():
                return
            time.sleep(0.2)
    raise ServiceNotReadyError(
        f"the service was not ready after {_READY_TIMEOUT_S} s: {client.what_is_missing()};"
        f" the end of the worker's log:\n{supervisor.log_tail('worker')}"
    )


def _load_sample(supervisor: Supervisor, client: Client) -> None:
    questions = load_questions()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        sent = progress.add_task("Questions sent", total=len(questions))
        for start in range(0, len(questions), 100):
            client.submit(FORUM, questions[start : start + 100])
            progress.update(sent, completed=min(start + 100, len(questions)))
        checked = progress.add_task("Questions checked", total=len(questions))
        while (pending := client.count_pending(FORUM)) > 0:
            supervisor.check()
            progress.update(checked, completed=len(questions) - pending)
            time.sleep(0.2)
        progress.update(checked, completed=len(questions))


def _show_pairs(client: Client) -> None:
    pairs = sorted(client.pairs(FORUM), key=lambda pair: (pair["kind"], -float(pair["score"])))
    table = Table(title=f"{len(pairs)} pairs flagged", title_justify="left")
    table.add_column("score", justify="right")
    for heading in ("kind", "asked", "asked again"):
        table.add_column(heading)
    for pair in pairs[:_ROWS]:
        titles = [question["title"] for question in pair["questions"]]
        table.add_row(f"{pair['score']:.3f}", pair["kind"], *titles)
    console.print(table)
    if len(pairs) > _ROWS:
        console.print(f"… and {len(pairs) - _ROWS} more: GET {client.url}/v1/forums/{FORUM}/pairs")
    known = labels()
    if known:
        console.print(_recall(pairs, known), highlight=False)


def _recall(pairs: list[dict[str, object]], known: dict[frozenset[str], str]) -> str:
    flagged = {
        frozenset(str(question["id"]) for question in pair["questions"])  # type: ignore[attr-defined]
        for pair in pairs
    }
    near = {pair for pair, label in known.items() if label == "near_miss"}
    duplicates = set(known) - near
    return (
        f"Flagged: {len(duplicates & flagged)} of the sample's {len(duplicates)} known duplicates,"
        f" {len(near & flagged)} of its {len(near)} near-misses."
    )


def _sign_in_link(sessions: Sessions, url: str) -> str:
    with sessions.begin() as session:
        forum = forums.get_forum(session, FORUM)
        person = people.ensure_person(session, _PERSON)
        people.set_role(session, person.id, forum.id, people.Role.ADMIN)
        return people.create_sign_in_link(session, person.id, url)


def _say_where(client: Client, key: str, link: str) -> None:
    console.print(f"\nThe service listens on [bold]{client.url}[/bold]", highlight=False)
    console.print("Review the pairs in a browser; this link signs you in once:")
    console.print(link, soft_wrap=True, highlight=False)
    console.print(f"A key for the forum {FORUM!r}: [bold]{key}[/bold]", highlight=False)
    console.print("Ctrl-C stops it and keeps the data.")
