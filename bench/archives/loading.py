"""Loads one file into a database and prints the cost: ``python -m bench.archives.loading``.

It runs in a process of its own, so that nothing else takes memory or time there.
"""

import json
import sys
import time
from pathlib import Path

from bench.archives.data import peak_mib, work_s
from db.archives import archives
from db.engine import make_engine, make_sessions
from db.settings import DatabaseSettings
from db.tenants import forums
from worker.archives.loading.load import load
from worker.archives.readers import open_archive


def main() -> None:
    """Load the file of the second argument into the database of the first."""
    url, path = sys.argv[1], Path(sys.argv[2])
    sessions = make_sessions(make_engine(DatabaseSettings.model_validate({"database_url": url})))
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, path.stem)
        row = archives.create(session, forum.id, name=path.name, form="csv", top_k=100)
    begun, worked = time.perf_counter(), work_s()
    with open_archive(path) as archive:
        load(sessions, forum, row, archive.pieces())
    took, work = time.perf_counter() - begun, work_s() - worked
    print(json.dumps({"took_s": took, "work_s": work, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
