"""Measures mining: speed, recall, cost and memory, each part by itself.

``python -m bench.archives PART --folder DATA`` measures one part on a folder of real questions.
Without ``--folder``, ``ASKEDBEFORE_DATA`` names it. ``all``, or no part, measures every part in a
process of its own, and continues if one fails. Each figure is saved in ``--results`` at once; at
the end all saved figures are printed as a Markdown table. Vectors, and the service of ``whole``,
are kept in ``--work``, so a stopped part continues where it was. Seconds of work are processor
seconds, which other programs hardly change.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from bench.archives import costs, live, quality, recipe, whole
from bench.archives.data import Context, peak_mib, read_results, work_s
from bench.texts import BenchSettings

PARTS: dict[str, Callable[[Context], None]] = {
    "recipe": recipe.measure,
    "quality": quality.measure,
    "floor": quality.measure_floor,
    "load": costs.measure_load,
    "memory": costs.measure_memory,
    "cost": costs.measure_cost,
    "live": live.measure,
    "whole": whole.measure,
}
_WORK = Path.home() / ".cache" / "askedbefore" / "bench"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.archives",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", default="all", choices=["all", *PARTS])
    parser.add_argument("--folder", type=Path, default=BenchSettings().data, help="the questions")
    parser.add_argument("--questions", type=int, help="how many; each part has its own default")
    parser.add_argument("--workers", type=int, default=2, help="of `whole`; they share the cores")
    parser.add_argument("--work", type=Path, default=_WORK, help="what is kept between runs")
    parser.add_argument("--results", type=Path, help="JSON of figures; archives.json in --work")
    options = parser.parse_args()
    if options.folder is None:
        parser.error("--folder, or ASKEDBEFORE_DATA, must name the folder of real questions")
    options.work.mkdir(parents=True, exist_ok=True)
    options.results = options.results or options.work / "archives.json"
    return options


def _measure(options: argparse.Namespace) -> None:
    context = Context(
        options.part,
        options.folder,
        options.work,
        options.results,
        options.questions,
        options.workers,
    )
    context.forget()
    PARTS[options.part](context)
    context.note("peak memory, MiB", round(peak_mib()))
    context.note("took", f"{time.monotonic() - context.begun:,.0f} s, {work_s():,.0f} s of work")


def _measure_each(options: argparse.Namespace) -> list[str]:
    """Measure every part in a process of its own and return those that failed."""
    same = ["--folder", options.folder, "--work", options.work, "--results", options.results]
    same += ["--workers", options.workers]
    if options.questions:
        same += ["--questions", options.questions]
    failed = []
    for part in PARTS:
        words = [sys.executable, "-m", "bench.archives", part, *map(str, same)]
        ended = subprocess.run(words, stdout=subprocess.DEVNULL, check=False).returncode
        if ended:
            failed.append(part)
            print(f"{part} failed: {_reason(ended)}", file=sys.stderr)
    return failed


def _reason(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit status {code}"


def _table(results: Path) -> str:
    saved = read_results(results)
    rows = [
        f"| {part}: {what} | {value:,} |"
        if isinstance(value, int)
        else f"| {part}: {what} | {value} |"
        for part in PARTS
        for what, value in saved.get(part, {}).items()
    ]
    return "\n".join(["| archives | measured |", "| --- | --- |", *rows])


def main() -> None:
    """Measure, and print the table of all saved figures."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    options = _options()
    failed = []
    if options.part == "all":
        failed = _measure_each(options)
    else:
        _measure(options)
    print(_table(options.results))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
