"""``python -m bench``: runs every measurement and writes its table into docs/measurements.md.

To run only some, name them: ``python -m bench service models``. The tables of the others stay as
they are. Measurements with options, such as ``python -m bench service --stored 180000``, and those
of `PRINTED` only print their tables.
"""

import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "measurements.md"
PRINTED = ("gpu", "hosts", "adapting", "uploads", "migrations")
"""Measurements that need a machine of their own, or labelled questions."""
MEASUREMENTS = ("models", "service", "search", "archives", "console", "import", "backup")
_MODULES = {"import": "imports"}
"""Measurements whose module has another name."""


def main() -> None:
    """Run the named measurements, or all of them, and rewrite their tables."""
    given = sys.argv[1:]
    options = next(
        (at for at, one in enumerate(given) if one.startswith("-") or "/" in one), len(given)
    )
    wanted = given[:options] or MEASUREMENTS
    unknown = set(wanted) - {*MEASUREMENTS, *PRINTED}
    if unknown:
        known = ", ".join((*MEASUREMENTS, *PRINTED))
        sys.exit(f"unknown measurements: {', '.join(sorted(unknown))}; choose of {known}")
    if given[options:] or set(wanted) & set(PRINTED):
        for name in wanted:
            subprocess.run([sys.executable, "-m", f"bench.{name}", *given[options:]], check=True)
        return
    for name in wanted:
        print(f"Measuring {name} ...", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{_MODULES.get(name, name)}"],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        print(done.stdout, flush=True)
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_table(page, name, done.stdout), encoding="utf-8")


def with_table(page: str, name: str, table: str) -> str:
    """Return *page* with *table* between the two comments of the measurement *name*."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{table.strip()}\n\n{end}{after}"


if __name__ == "__main__":
    main()
