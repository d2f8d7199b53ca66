"""Progress bars: for stages of work, a count of things, a file that is read, a file that is copied.

All commands use these, except `askedbefore archives watch`, whose bars show what other processes
do.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from db.wording import counted

_DESCRIPTION = TextColumn("{task.description:>17}")


class _Amount(ProgressColumn):
    """What is done of a stage: bytes or steps, as the stage says."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes, self._steps = DownloadColumn(), MofNCompleteColumn()

    def render(self, task: Task) -> Text:
        """Return the text beside a bar."""
        return (self._bytes if task.fields["in_bytes"] else self._steps).render(task)


@contextmanager
def stage_bars(
    console: Console, words: Mapping[str, str] | None = None, *, in_bytes: Collection[str] = ()
) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that shows a bar for each stage of a long piece of work.

    It takes the stage, how much of it was just done, and its total: bytes for the stages
    *in_bytes*, otherwise steps. *words* has the texts beside the bars; by default they are the
    stages' names.
    """
    bars: dict[str, TaskID] = {}
    time_left = TimeRemainingColumn(elapsed_when_finished=True)
    columns = (_DESCRIPTION, BarColumn(), _Amount(), time_left)
    with Progress(*columns, console=console) as progress:

        def show(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                text = (words or {}).get(stage, stage)
                bars[stage] = progress.add_task(text, total=total, in_bytes=stage in in_bytes)
            progress.advance(bars[stage], done)

        yield show


@contextmanager
def count_bar(console: Console, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes how many of *total* things were just done."""
    with stage_bars(console) as show:
        yield lambda done: show(what, done, total)


@contextmanager
def file_bar(
    console: Console, size: float | None, position: Callable[[], float]
) -> Iterator[Callable[[int], None]]:
    """Show how much of a file is read; yield a function that takes the number of rows so far.

    *size* and *position* have the same unit, such as bytes. Without a size no share is shown.
    """
    columns = (
        _DESCRIPTION,
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("read", total=size, rows=counted(0, "row"))
        yield lambda rows: progress.update(bar, completed=position(), rows=counted(rows, "row"))


@contextmanager
def copy_bar(console: Console) -> Iterator[Callable[[str, int], None]]:
    """Show how far a copy is; yield a function that takes the table and the bytes so far."""
    columns = (TextColumn("{task.description:<24}"), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=None)
        yield lambda table, size: progress.update(bar, description=table, completed=size)
