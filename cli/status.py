"""`askedbefore status`: the present work of the service, in the terminal."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from cli.connect import service
from cli.output import AsJson, print_json
from db import facts
from db.engine import FAILURES, Sessions, make_engine, make_sessions
from db.facts import ArchiveFacts, ForumFacts, LastError, Rate
from db.settings import DatabaseSettings
from db.work import backlog, jobs, workers
from db.work.rows import Lane
from db.work.workers import Proof

_ERRORS = 5
_FORUMS = 12
_BELIEVED_S = 90

console = Console()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The service at one moment."""

    lanes: list[dict[str, Any]]
    workers: list[Proof]
    forums: list[ForumFacts]
    archives: list[ArchiveFacts]
    last_errors: list[LastError]


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(status)


def status(
    once: Annotated[bool, typer.Option("--once", help="Print the tables once and end.")] = False,
    as_json: AsJson = False,
    every_s: Annotated[
        float, typer.Option(min=0.2, max=3_600, help="Seconds between two updates.")
    ] = 2.0,
) -> None:
    """Show lanes, rates, workers, forums, archives and the last errors, until Ctrl-C.

    Example: askedbefore status --once
    """
    with service():
        sessions = make_sessions(make_engine(DatabaseSettings()))
        if as_json:
            print_json(asdict(take(sessions)))
        elif once:
            console.print(_page(take(sessions)))
        else:
            _watch(sessions, every_s)


def take(sessions: Sessions) -> Status:
    """Return the present work of the service, and its last errors."""
    with sessions.begin() as session:
        connection = session.connection()
        return Status(
            lanes=_lanes(
                jobs.counts(session), backlog.oldest_due_s(session), facts.rates(connection)
            ),
            workers=workers.proved_lately(session, within_s=_BELIEVED_S),
            forums=facts.forums(connection),
            archives=facts.unfinished_archives(connection),
            last_errors=facts.last_errors(connection, limit=_ERRORS),
        )


def _lanes(
    counts: list[tuple[str, str, int]], ages: Mapping[str, float], rates: list[Rate]
) -> list[dict[str, Any]]:
    done = {rate.lane: rate for rate in rates}
    found = []
    for lane in (Lane.LIVE, Lane.ARCHIVE):
        states = {state: count for name, state, count in counts if name == lane}
        rate = done.get(lane)
        found.append(
            {
                "lane": str(lane),
                "waiting": sum(count for state, count in states.items() if state != "failed"),
                "set_aside": states.get("failed", 0),
                "oldest_due_s": round(ages.get(lane, 0.0), 1),
                "done_last_minute": rate.last_minute if rate else 0,
                "done_last_hour": rate.last_hour if rate else 0,
            }
        )
    return found


def _watch(sessions: Sessions, every_s: float) -> None:
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        try:
            while True:
                live.update(_looked(sessions), refresh=True)
                time.sleep(every_s)
        except KeyboardInterrupt:
            return


def _looked(sessions: Sessions) -> Group | str:
    try:
        return _page(take(sessions))
    except FAILURES as error:
        return f"The database does not answer ({type(error).__name__}). Trying again."


def _page(now: Status) -> Group:
    parts = [_lane_table(now), _worker_table(now), _forum_table(now)]
    if now.archives:
        parts.append(_archive_table(now))
    if now.last_errors:
        parts.append(_error_table(now))
    return Group(time.strftime("%H:%M:%S"), *parts)


def _lane_table(now: Status) -> Table:
    table = Table("lane", "waiting", "set aside", "oldest due", "last minute", "last hour")
    for lane in now.lanes:
        table.add_row(
            lane["lane"],
            f"{lane['waiting']:,}",
            f"{lane['set_aside']:,}",
            f"{lane['oldest_due_s']:,.0f} s",
            f"{lane['done_last_minute']:,}",
            f"{lane['done_last_hour']:,}",
        )
    return table


def _worker_table(now: Status) -> Table:
    table = Table("worker", "runs on", "bi-encoder", "reranker", "proof")
    for one in now.workers:
        row = (one.worker, one.device, one.bi_encoder, one.reranker, f"{one.proof_ms:,.0f} ms")
        table.add_row(*row)
    if not now.workers:
        table.add_row(f"no worker has run its models in the last {_BELIEVED_S} s", "", "", "", "")
    return table


def _forum_table(now: Status) -> Table:
    table = Table("forum", "waiting", "limit", "")
    busiest = sorted(now.forums, key=lambda one: (-one.pending, one.name))
    for one in busiest[:_FORUMS]:
        note = "observe only" if one.observe_only else ""
        table.add_row(one.name, f"{one.pending:,}", f"{one.pending_limit:,}", note)
    if len(busiest) > _FORUMS:
        table.add_row(f"and {len(busiest) - _FORUMS:,} more", "", "", "")
    return table


def _archive_table(now: Status) -> Table:
    table = Table("archive", "forum", "name", "state", "stage")
    for one in now.archives[:_FORUMS]:
        table.add_row(str(one.id), one.forum, one.name, one.state, one.stage)
    return table


def _error_table(now: Status) -> Table:
    table = Table("when", "forum", "question", "attempts", "error")
    for one in now.last_errors:
        when = f"{one.at:%m-%d %H:%M:%S}"
        table.add_row(when, one.forum, one.external_id, str(one.attempts), one.error)
    return table
