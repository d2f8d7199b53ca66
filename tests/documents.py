"""The generated parts of the documentation: tables, and the description of the API.

``python -m tests.documents`` writes them; a unit test compares them with the files.
"""

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from celery.schedules import crontab
from pydantic_settings import BaseSettings
from sqlalchemy.orm import sessionmaker

from api.app import create_app
from api.console.settings import ConsoleSettings
from api.settings import ApiSettings
from cli.running.home import HomeSettings
from db.settings import DatabaseSettings
from db.work.rows import Lane
from worker.app import make_app
from worker.archives.databases.addresses import SourceSettings
from worker.delivery.addresses import WebhookSettings
from worker.queue import CHECK, DRAIN
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[1]
READERS: dict[type[BaseSettings], str] = {
    DatabaseSettings: "all",
    WorkerSettings: "worker",
    ApiSettings: "API",
    ConsoleSettings: "console",
    WebhookSettings: "webhooks",
    HomeSettings: "`up`",
    SourceSettings: "imports",
}
"""The settings classes and who reads them, in the order of the table."""

MODULES = {
    "worker.check": ("worker/live/check.py",),
    "worker.drain_live": ("worker/live/drain.py",),
    "worker.drain_archive": ("worker/live/drain.py", "worker/archives/stages/slices.py"),
    "worker.sweep": ("worker/upkeep.py", "worker/acting.py"),
    "worker.prove": ("worker/resources.py",),
    "worker.deliver": (
        "worker/acting.py",
        "worker/delivery/webhooks.py",
        "worker/connectors/carrier.py",
    ),
    "worker.upkeep": ("worker/upkeep.py", "worker/acting.py"),
}
"""The modules that do the work of a task."""


def settings_table() -> str:
    """Return all settings as a Markdown table."""
    rows: dict[str, tuple[list[str], Any]] = {}
    for settings, reader in READERS.items():
        prefix = settings.model_config["env_prefix"]
        for name, field in settings.model_fields.items():
            rows.setdefault(f"{prefix}{name.upper()}", ([], field))[0].append(reader)
    lines = (
        (f"`{name}`", ", ".join(readers), _default(field), field.description)
        for name, (readers, field) in rows.items()
    )
    return _table(("variable", "read by", "default", "what it is"), lines)


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    return f"`{str(field.default).replace(str(Path.home()), '~')}`"


def task_table() -> str:
    """Return the tasks that somebody sends when there is work: queue, task, module."""
    sent = {CHECK: Lane.CHECK, **{task: lane for lane, task in DRAIN.items()}}
    lines = ((f"`{lane}`", *_task(name)) for name, lane in sent.items())
    return _table(("queue", "task", "modules that do the work"), lines)


def periodic_table() -> str:
    """Return the tasks that the beat sends: task, interval with the setting, queue, module."""
    settings = WorkerSettings.model_validate({"redis_url": "redis://localhost"})
    lines = []
    for entry in make_app(settings).conf.beat_schedule.values():
        name, module = _task(entry["task"])
        lane = entry["options"]["queue"]
        lines.append((name, _interval(entry["schedule"]), f"`{lane}`", module))
    return _table(("periodic task", "interval by default", "queue", "modules"), lines)


def _interval(schedule: float | crontab) -> str:
    return "an hour, by the clock" if isinstance(schedule, crontab) else f"{schedule:,.0f} s"


def _task(name: str) -> tuple[str, str]:
    return f"`{name}`", ", ".join(f"`{one}`" for one in MODULES[name])


def room_table(package: str) -> str:
    """Return the rooms of a package with their purpose, in the order of its layers."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(one for one in contracts["contracts"] if one.get("containers") == [package])
    lines = []
    for layer in layers["layers"]:
        for room in re.split(r" [|:] ", layer):
            folder = ROOT / package / room
            module = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
            purpose = (ast.get_docstring(ast.parse(module.read_text())) or "").splitlines()[0]
            lines.append((f"`{room}{'/' * folder.is_dir()}`", purpose))
    return _table(("room", "what it is for"), lines)


def task_names() -> set[str]:
    """Return the names of all tasks that workers know."""
    import_module("worker.tasks")
    app = make_app(WorkerSettings.model_validate({"redis_url": "redis://localhost"}))
    return {name for name in app.tasks if name.startswith("worker.")}


def _table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    rows = [tuple(head), *map(tuple, lines)]
    rows.insert(1, ("---",) * len(rows[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def openapi() -> str:
    """Return the description of the API as `GET /openapi.json` serves it, readable in a diff."""
    settings = ApiSettings.model_validate(
        {"redis_url": "redis://localhost", "secret_key": "0a" * 32}
    )
    app = create_app(settings, sessions=sessionmaker(), queue=None)  # type: ignore[arg-type]  # unused
    return json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


OPENAPI = ROOT / "docs" / "openapi.json"

TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "docs/settings.md": {"settings": settings_table},
    "CONTRIBUTING.md": {
        "rooms-of-worker": partial(room_table, "worker"),
        "rooms-of-db": partial(room_table, "db"),
        "rooms-of-api": partial(room_table, "api"),
        "tasks": task_table,
        "periodic": periodic_table,
    },
}


def parts() -> list[tuple[Path, str, str]]:
    """Return the file, the name and the text of each table, as the code has it."""
    return [
        (ROOT / name, mark, table())
        for name, tables in TABLES.items()
        for mark, table in tables.items()
    ]


def between(mark: str) -> re.Pattern[str]:
    """Return a pattern that finds the text between the two comments of a table."""
    return re.compile(rf"(?<=<!-- {mark}:begin -->\n)(.*?)(?=<!-- {mark}:end -->)", re.DOTALL)


def main() -> None:
    """Write the tables and the description of the API."""
    OPENAPI.write_text(openapi(), encoding="utf-8")
    for path, mark, table in parts():
        text = path.read_text(encoding="utf-8")
        before, _, after = between(mark).split(text, maxsplit=1)
        path.write_text(f"{before}{table}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
