"""Redirects for a forum's own program: SQL for phpBB, a script for Discourse."""

import json
import re
from collections.abc import Iterable, Iterator

from db.errors import InvalidInputError
from db.groups.redirects import Redirect

_NUMBER = re.compile(r"[1-9]\d{0,9}")
_PREFIX = re.compile(r"\w{0,40}")


def is_number(row: Redirect) -> bool:
    """Return whether both ids are numbers, as the ids of topics in these programs are."""
    return all(_NUMBER.fullmatch(one) for one in (row.id, row.canonical_id))


def phpbb_sql(rows: Iterable[Redirect], *, prefix: str, apply: bool) -> Iterator[str]:
    """Yield statements that lock each topic and store its canonical topic.

    Without *apply* they end with ROLLBACK and change no topic.
    """
    if not _PREFIX.fullmatch(prefix):
        raise InvalidInputError("a prefix of tables is made of letters, digits and _")
    table = f"{prefix}askedbefore_redirects"
    yield (
        "-- Topics that were asked before: each is locked, and its canonical topic is noted in\n"
        f"-- {table}, where a rule of your web server or a style can find it.\n"
        f"CREATE TABLE IF NOT EXISTS {table} (\n"
        "  topic_id INT UNSIGNED NOT NULL PRIMARY KEY,\n"
        "  canonical_id INT UNSIGNED NOT NULL\n"
        ");\nSTART TRANSACTION;\n"
    )
    for row in rows:
        old, new = int(row.id), int(row.canonical_id)
        yield (
            f"INSERT INTO {table} (topic_id, canonical_id) VALUES ({old}, {new})"  # noqa: S608
            f" ON DUPLICATE KEY UPDATE canonical_id = {new};\n"
            f"UPDATE {prefix}topics SET topic_status = 1 WHERE topic_id = {old}"
            " AND topic_status = 0;\n"
        )
    yield "COMMIT;\n" if apply else "ROLLBACK;  -- nothing was changed: export with --apply\n"


_SCRIPT = '''#!/usr/bin/env python3
"""Tells the readers of Discourse topics where the question was asked before, and closes them.

Without --apply it only prints what it would do. It needs the environment variables DISCOURSE_URL,
DISCOURSE_API_KEY and DISCOURSE_API_USER. It can be interrupted and run again: what is done is
noted in askedbefore-done.txt in this folder.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ROWS = json.loads(r"""ROWS_HERE""")
DONE = "askedbefore-done.txt"


def call(method, path, fields):
    data = urllib.parse.urlencode(fields).encode()
    url = os.environ["DISCOURSE_URL"].rstrip("/") + path
    headers = {
        "Api-Key": os.environ["DISCOURSE_API_KEY"],
        "Api-Username": os.environ["DISCOURSE_API_USER"],
    }
    request = urllib.request.Request(url, data, headers, method=method)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60):
                return
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise
            time.sleep(float(error.headers.get("Retry-After") or 10))


def done_before():
    try:
        with open(DONE, encoding="utf-8") as file:
            return set(file.read().split())
    except FileNotFoundError:
        return set()


def main():
    is_real = "--apply" in sys.argv[1:]
    done = done_before()
    for row in ROWS:
        topic, canonical = row["id"], row["canonical_id"]
        if topic in done:
            continue
        raw = "This question was asked before: " + (row["canonical_url"] or "/t/" + canonical)
        print(f"topic {topic}: post and close, {raw}", flush=True)
        if not is_real:
            continue
        call("POST", "/posts.json", {"topic_id": topic, "raw": raw})
        call("PUT", f"/t/{topic}/status.json", {"status": "closed", "enabled": "true"})
        with open(DONE, "a", encoding="utf-8") as file:
            file.write(topic + "\\n")
    if not is_real:
        print("Nothing was changed: run it with --apply.")


if __name__ == "__main__":
    main()
'''


def discourse_script(rows: Iterable[Redirect]) -> Iterator[str]:
    """Yield a Python script that closes topics when it is run with ``--apply``."""
    before, after = _SCRIPT.split("ROWS_HERE")
    yield before
    mark = "["
    for row in rows:
        told = {
            "id": row.id,
            "canonical_id": row.canonical_id,
            "canonical_url": row.canonical_url,
        }
        # JSON never has three quotes in a row, which would end the literal around it.
        yield mark + json.dumps(told)
        mark = ",\n"
    yield ("[]" if mark == "[" else "]") + after
