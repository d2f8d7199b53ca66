"""``python -m bench``: every measurement in turn, and its tables into the README.

Name measurements to run only some: ``python -m bench service models``. The tables of the others
stay as they are.
"""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
MEASUREMENTS = ("models", "service", "search", "archives", "console")
_BEGIN, _END = "<!-- bench:begin -->", "<!-- bench:end -->"


def main() -> None:
    """Run the named measurements, or all of them, and rewrite their tables."""
    wanted = sys.argv[1:] or MEASUREMENTS
    unknown = set(wanted) - set(MEASUREMENTS)
    if unknown:
        sys.exit(f"there are {', '.join(MEASUREMENTS)}; not {', '.join(sorted(unknown))}")
    for name in wanted:
        print(f"Measuring {name} ...", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{name}"], stdout=subprocess.PIPE, text=True, check=True
        )
        print(done.stdout, flush=True)
        README.write_text(_with_table(README.read_text(encoding="utf-8"), name, done.stdout))


def _with_table(readme: str, name: str, table: str) -> str:
    begin, end = readme.index(_BEGIN) + len(_BEGIN), readme.index(_END)
    tables = dict(
        re.findall(r"<!-- (\w+) -->\n(.*?)\n(?=<!-- \w+ -->|\Z)", readme[begin:end], re.DOTALL)
    )
    tables[name] = f"\n{table.strip()}\n"
    parts = [f"<!-- {one} -->\n{tables[one]}\n" for one in MEASUREMENTS if one in tables]
    return readme[:begin] + "\n" + "".join(parts) + readme[end:]


if __name__ == "__main__":
    main()
