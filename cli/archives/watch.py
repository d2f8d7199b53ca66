"""Progress bars of an archive. They read the database, so any number of workers may run."""

import time
from collections.abc import Callable
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from db.archives import archives
from db.archives import units as archive_units
from db.archives.archives import ArchiveState, Stage
from db.archives.units import StageProgress
from db.engine import Sessions
from db.wording import counted
from db.work.rows import Lane
from worker.queue import CeleryQueue
from worker.settings import WorkerSettings

_PAUSE_S = 0.5
_NAMES = {
    Stage.LINK: "linked",
    Stage.EMBED: "embedded",
    Stage.SEARCH: "compared",
    Stage.RANK: "ranked",
    Stage.CUT: "chosen",
    Stage.RERANK: "reranked",
    Stage.FINISH: "finished",
}


def wake() -> None:
    """Wake the workers of the archive lane."""
    CeleryQueue(WorkerSettings().redis_url.get_secret_value()).wake(Lane.ARCHIVE)


def follow(
    sessions: Sessions, archive_id: int, *, work: Callable[[], object] | None = None
) -> ArchiveState:
    """Show an archive's progress until it ends or is paused, and return its state.

    *work* does a part of the work between two updates, for when no worker runs. It returns whether
    it did any.
    """
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description:>10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[line]}"),
        console=console,
    ) as bars:
        shown: dict[Stage, TaskID] = {}
        while True:
            with sessions.begin() as session:
                row = archives.get(session, archive_id)
                stages = archive_units.progress(session, archive_id)
            for one in stages:
                if one.stage not in shown:
                    shown[one.stage] = bars.add_task(_NAMES[one.stage], total=1, line="")
                line = _line(one, is_over=one.stage is not row.stage)
                task = shown[one.stage]
                bars.update(task, total=one.size, completed=one.size_done, line=line)
            if row.state is not ArchiveState.RUNNING or row.stage is Stage.LOAD:
                return row.state
            if work is None or not work():
                time.sleep(_PAUSE_S)


def _line(one: StageProgress, *, is_over: bool) -> str:
    parts = [f"{one.found:,} found"] if one.found else []
    if one.failed:
        parts.append(f"{counted(one.failed, 'unit')} set aside")
    if not is_over:
        parts += [f"{one.rate:,.0f}/s", _left(one.left_s)]
    return ", ".join(parts)


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "no worker is working on it"
    return f"{timedelta(seconds=round(seconds))} left"
