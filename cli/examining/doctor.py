"""`askedbefore doctor`: finds faults of the service and says what to do about each."""

from dataclasses import asdict

import typer
from rich.console import Console

from cli.connect import service
from cli.examining import machine, servers, work
from cli.examining.finding import Check, Finding, Patient, look
from cli.output import AsJson, print_json

console = Console()

CHECKS: dict[str, Check] = {
    "version": machine.runs_from,
    "settings": machine.settings,
    "telemetry": machine.telemetry,
    "disk": machine.disk,
    "model cache": machine.cache,
    "chosen models": machine.chosen_models,
    "database": servers.database,
    "pgvector": servers.pgvector,
    "schema": servers.schema_is_new,
    "writes": servers.writes,
    "connections": servers.connections,
    "clock": servers.clock,
    "queue": servers.broker,
    "queue settings": servers.broker_settings,
    "queue memory": servers.broker_memory,
    "beat": servers.beat,
    "models": work.active_models,
    "vector index": work.index,
    "workers": work.proved,
    "waiting": work.waiting,
    "set aside": work.set_aside,
    "archives": work.archives,
    "webhooks": work.webhooks,
    "forums": work.forums,
}
_NEEDS = {
    **dict.fromkeys(("pgvector", "schema", "writes", "connections", "clock"), "database"),
    **dict.fromkeys(("queue settings", "queue memory", "beat"), "queue"),
    **dict.fromkeys(
        (
            "models",
            "vector index",
            "workers",
            "waiting",
            "set aside",
            "archives",
            "webhooks",
            "forums",
        ),
        "schema",
    ),
}
"""For each check that depends on another one: that other one. It is left out if that one failed."""


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Check every part of the service, and print for each fault what to do.

    The command ends with status 1 if it has found a fault.

    Example: askedbefore doctor
    """
    with service():
        found = examine()
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        for one in found:
            _show(one)
    if not all(one.ok for one in found):
        raise typer.Exit(1)


def examine(patient: Patient | None = None) -> list[Finding]:
    """Return the finding of every check. Checks that depend on a failed one are left out."""
    looked_at = patient or Patient()
    found: dict[str, Finding] = {}
    left_out: set[str] = set()
    for name, check in CHECKS.items():
        needed = _NEEDS.get(name)
        if needed and (needed in left_out or not found[needed].ok):
            left_out.add(name)
            continue
        found[name] = look(name, check, looked_at)
    return list(found.values())


def _show(one: Finding) -> None:
    mark = "[green]ok[/green]   " if one.ok else "[red]fault[/red]"
    console.print(mark, end=" ")
    console.print(f"{one.name:<14} {one.said}", highlight=False, markup=False, soft_wrap=True)
    if one.fix:
        console.print(f"{'':<21}-> {one.fix}", highlight=False, markup=False, soft_wrap=True)
