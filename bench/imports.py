"""Measures first and repeated imports of made-up rows in each format: ``python -m bench import``.

Each import is the whole command in a process of its own, without mining: it recognises the file,
and parses, checks and stores the rows with COPY. ``ASKEDBEFORE_BENCH_ROWS`` is the number of rows,
a million by default.
"""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from cli.running.home import environment
from cli.running.service import Servers, running_servers

ROWS = int(os.environ.get("ASKEDBEFORE_BENCH_ROWS", "1000000"))  # noqa: TID251  # of the bench alone
_PART = 100_000
_NAMES = ("id", "title", "author", "created_at", "votes")
Made = Callable[[int, int], Iterator[tuple[str, ...]]]
_SUBJECTS = ("password", "invoice", "garden", "bicycle", "recipe", "passport", "router", "visa")


def rows(first: int, last: int) -> Iterator[tuple[str, ...]]:
    """Yield made-up rows: about 60 characters of title, and four small fields."""
    for number in range(first, last):
        subject = _SUBJECTS[number % 8]
        title = f"How do I change my {subject} number {number} when device {number * 7} is away?"
        day = f"20{10 + number % 15}-0{1 + number % 9}-1{number % 10}T08:00:00Z"
        yield str(number), title, f"user{number % 5_000}", day, str(number % 50)


def changed(first: int, last: int) -> Iterator[tuple[str, ...]]:
    """Yield the same rows with ten changed questions, and without one row."""
    each = max(2, ROWS // 10)
    for row in rows(first, last):
        if row[0] != "5":
            is_new = int(row[0]) % each == 1
            yield (row[0], f"{row[1]} Or not?", *row[2:]) if is_new else row


def write_csv(path: Path, made: Made) -> None:
    """Write the rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_NAMES)
        writer.writerows(made(0, ROWS))


def write_jsonl(path: Path, made: Made) -> None:
    """Write the rows as JSON lines."""
    with path.open("w", encoding="utf-8") as stream:
        for row in made(0, ROWS):
            stream.write(json.dumps(dict(zip(_NAMES, row, strict=True))) + "\n")


def write_parquet(path: Path, made: Made) -> None:
    """Write the rows as Parquet."""
    schema = pa.schema([(name, pa.string()) for name in _NAMES])
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, ROWS, _PART):
            columns = zip(*made(first, min(first + _PART, ROWS)), strict=True)
            writer.write_table(pa.table([list(one) for one in columns], schema=schema))


_WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "parquet": write_parquet}


def run(path: Path, forum: str, variables: dict[str, str], *more: str) -> tuple[float, float, int]:
    """Import a file and return seconds, seconds of processor time, and peak MiB."""
    command = [sys.executable, "-m", "cli.main", "import", str(path), "--forum", forum]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [*command, "--yes", "--no-wait", *more],
        env={**os.environ, **variables},  # noqa: TID251  # handed on as it is
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if done.returncode:
        sys.exit(f"the import ended with {done.returncode}:\n{done.stderr.decode()[-2_000:]}")
    took = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, work, after.ru_maxrss >> 10


def _postgres_s(servers: Servers) -> float:
    """Return the seconds of processor time of Postgres since its start."""
    pid = int((servers.folder / "postgres" / "postmaster.pid").read_text().split()[0])
    server = psutil.Process(pid)
    spent = [server.cpu_times(), *(one.cpu_times() for one in server.children())]
    ended = spent[0].children_user + spent[0].children_system
    return float(sum(one.user + one.system for one in spent) + ended)


def main() -> None:
    """Measure each format and print the table."""
    print(f"| {ROWS:,} rows | rows/s | processor time | of Postgres | peak memory so far |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder, running_servers() as servers:
        variables = environment(servers.running)
        for form, write in _WRITERS.items():
            path = Path(folder) / f"rows.{form}"
            for told, made, more in (
                ("first", rows, ()),
                ("the same file again", None, ()),
                ("again, with ten rows changed", changed, ()),
                ("again, read and compared as a whole", None, ("--again",)),
            ):
                if made is not None:
                    write(path, made)
                before = _postgres_s(servers)
                took, work, peak = run(path, form, variables, *more)
                cells = (
                    f"{ROWS / took:,.0f}",
                    f"{work / ROWS * 1e6:.1f} µs a row",
                    f"{(_postgres_s(servers) - before) / ROWS * 1e6:.1f} µs a row",
                    f"{peak} MiB",
                )
                print(f"| {form}, {told} | {' | '.join(cells)} |", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
