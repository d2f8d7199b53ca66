"""``python -m bench``: runs every measurement and writes its table into docs/measurements.md.

To run only some, name them: ``python -m bench service models``. The tables of the others stay as
they are. Measurements with options, such as ``python -m bench service --stored 180000``, and those
of `PRINTED` only print their tables.
"""

import ast
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "measurements.md"
PRINTED = ("gpu", "hosts", "adapting", "uploads", "migrations")
"""Measurements that need a machine of their own, or labelled questions."""
MEASUREMENTS = ("models", "service", "search", "archives", "console", "import", "backup")
WITH_OPTIONS = ("service", "archives", "gpu", "hosts", "adapting", "migrations")
_MODULES = {"import": "imports"}
"""Measurements whose module has another name."""


def main() -> None:
    """Run the named measurements, or all of them, and rewrite their tables."""
    given = sys.argv[1:]
    options = next(
        (at for at, one in enumerate(given) if one.startswith("-") or "/" in one), len(given)
    )
    names, given = given[:options], given[options:]
    unknown = set(names) - {*MEASUREMENTS, *PRINTED}
    if unknown:
        known = ", ".join((*MEASUREMENTS, *PRINTED))
        sys.exit(f"unknown measurements: {', '.join(sorted(unknown))}; choose of {known}")
    if {"-h", "--help"} & set(given):
        _help(names)
        return
    for name in names or MEASUREMENTS:
        if given or name in PRINTED:
            _run(name, *given)
        else:
            _rewrite(name)


def _help(names: Sequence[str]) -> None:
    """Print what the measurements are, and the options of those that have any."""
    for name in names:
        if name in WITH_OPTIONS:
            _run(name, "--help")
        else:
            print(_documented(PAGE.parents[1] / "bench" / f"{_MODULES.get(name, name)}.py"))
    if not names:
        print(_documented(Path(__file__)), f"\nMeasurements: {', '.join(MEASUREMENTS)}")
        print(f"Only printed: {', '.join(PRINTED)}\nWith options: {', '.join(WITH_OPTIONS)}")


def _documented(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _run(name: str, *options: str, printed: int | None = None) -> str:
    """Run a measurement, and end with its exit code if it fails."""
    command = [sys.executable, "-m", f"bench.{_MODULES.get(name, name)}", *options]
    done = subprocess.run(command, stdout=printed, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout or ""


def _rewrite(name: str) -> None:
    print(f"Measuring {name} ...", file=sys.stderr, flush=True)
    table = _run(name, printed=subprocess.PIPE)
    print(table, flush=True)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_table(page, name, table), encoding="utf-8")


def with_table(page: str, name: str, table: str) -> str:
    """Return *page* with *table* between the two comments of the measurement *name*."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{table.strip()}\n\n{end}{after}"


if __name__ == "__main__":
    main()
