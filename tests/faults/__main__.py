"""``python -m tests.faults``: runs a campaign; the exit status is 1 if there is a difference."""

import argparse
import random
import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from tests.faults import plan
from tests.faults.campaign import run
from tests.faults.world import running_world


def main() -> int:
    """Run a campaign and print its table."""
    given = _arguments()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="ab-", dir="/tmp"))  # short, for sockets
    log = given.log or folder / "faults.jsonl"
    faults = (
        iter(plan.read(given.replay))
        if given.replay
        else plan.plan(seed, every_s=given.every, only=given.only or plan.WEIGHTS)
    )
    _say(f"seed {seed}; the faults are written to {log}, the logs to {folder}/logs")
    with running_world(folder) as world:
        report = run(world, faults, seed=seed, lasts_s=60 * given.minutes, log=log, say=_say)
    print("\n".join(report.lines()))
    print(f"seed {seed}: {'nothing differs' if report.is_clean else 'THERE ARE DIFFERENCES'}")
    if report.is_clean and given.log is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if report.is_clean else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, help="by default another one each time")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two faults")
    parser.add_argument("--only", nargs="+", choices=list(plan.WEIGHTS), help="only these faults")
    parser.add_argument("--log", type=Path, help="where the faults are written")
    parser.add_argument("--replay", type=Path, help="make the faults of this log again")
    return parser.parse_args()


def _say(sentence: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S} {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
