"""Hostile, interrupted and many uploads: each ends properly and disturbs no others."""

import contextlib
import gzip
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from api.app import create_app
from api.uploading import loading
from cli.running.service import wait_until
from db.archives import archives
from db.archives.archives import ArchiveRow, ArchiveState
from db.tenants import forums
from tests.servers.api_service import Factory, NotingQueue, make_client, make_key, make_settings
from tests.servers.disks import small_disk
from tests.servers.live_server import serving
from worker.archives.load_job import LoadJob, Outcome

URL = "/v1/forums/cooks/archives"
SMALL = b'{"id": "q1", "title": "Is it small?"}\n'


_BEGINS = """
import json, os, signal, sys, time
job = json.loads(sys.stdin.readline())
begun = json.dumps({"outcome": "begun", "archive_id": None})
"""


@cache
def long_file() -> bytes:
    rows = (f'{{"id": "q{n}", "title": "Is number {n} long?"}}' for n in range(400_000))
    return gzip.compress("\n".join(rows).encode(), 1)


def readers() -> list[int]:
    """Return the reading processes of this one."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if parent == str(os.getpid()) and b"load_process" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def only_archive(sessions: Factory) -> ArchiveRow | None:
    with sessions.begin() as session:
        rows = archives.list_archives(session)
    assert len(rows) <= 1
    return rows[0] if rows else None


@contextlib.contextmanager
def uploading(sessions: Factory, data: bytes) -> Iterator[list[httpx2.Response]]:
    """Send *data* in a thread; the answer is in the list when the block is over."""
    answers: list[httpx2.Response] = []
    client = make_client(sessions, make_key(sessions, "cooks"))
    with client:
        thread = threading.Thread(target=lambda: answers.append(client.post(URL, content=data)))
        thread.start()
        try:
            wait_until(lambda: only_archive(sessions), timeout_s=60)
            yield answers
        finally:
            thread.join(60)


def test_a_forum_has_so_many_slots_and_leaves_others_theirs(committed: Factory) -> None:
    key, other = make_key(committed, "cooks"), make_key(committed, "bakers")
    client = make_client(committed, key)
    services = client.app.state.services  # type: ignore[attr-defined]

    with client, contextlib.ExitStack() as held:
        cooks = forum_id(committed, "cooks")
        for _ in range(2):
            held.enter_context(services.uploads.slot(cooks))
        refused = client.post(URL, content=SMALL)
        let_in = client.post(
            "/v1/forums/bakers/archives",
            content=SMALL,
            headers={"Authorization": f"Bearer {other}"},
        )
        for _ in range(2):
            held.enter_context(services.uploads.slot(-1))
        full = client.post(
            "/v1/forums/bakers/archives",
            content=SMALL,
            headers={"Authorization": f"Bearer {other}"},
        )
        held.close()
        again = client.post(URL, content=SMALL)

    assert (refused.status_code, let_in.status_code, full.status_code) == (429, 202, 503)
    assert int(refused.headers["retry-after"]) == int(full.headers["retry-after"]) == 30
    assert again.status_code == 202


def forum_id(sessions: Factory, name: str) -> int:

    with sessions.begin() as session:
        return forums.get_forum(session, name).id


@pytest.mark.parametrize("state", [ArchiveState.CANCELLED, ArchiveState.PAUSED])
def test_a_stopped_archive_stops_its_reader(committed: Factory, state: ArchiveState) -> None:
    with uploading(committed, long_file()) as answers:
        archive = only_archive(committed)
        assert archive is not None
        with committed.begin() as session:
            archives.set_state(session, archive.id, state)
        wait_until(lambda: not readers(), timeout_s=60)

    assert [answer.status_code for answer in answers] == [409]
    row = only_archive(committed)
    assert row is not None
    assert (row.state, row.stage) == (state, "load")


def test_a_reader_that_is_killed_leaves_an_archive_that_says_so(committed: Factory) -> None:
    with uploading(committed, long_file()) as answers:
        for reader in readers():
            os.kill(reader, signal.SIGKILL)

    row = only_archive(committed)
    assert [answer.status_code for answer in answers] == [503]  # no file can do that
    assert int(answers[0].headers["retry-after"]) > 0
    assert row is not None
    assert (row.state, row.error) == (
        ArchiveState.FAILED,
        "reading it ended the process that read it (SIGKILL)",
    )


def test_a_service_that_stops_ends_its_readers_and_their_archives_say_so(
    committed: Factory,
) -> None:
    app = create_app(make_settings(), committed, NotingQueue())
    headers = {"Authorization": f"Bearer {make_key(committed, 'cooks')}"}

    def send(url: str) -> None:
        with contextlib.suppress(httpx2.HTTPError):
            httpx2.post(url + URL, content=long_file(), headers=headers, timeout=60)

    with serving(app) as url:
        thread = threading.Thread(target=send, args=(url,))
        thread.start()
        wait_until(lambda: only_archive(committed), timeout_s=60)
    thread.join(30)

    row = only_archive(committed)
    assert row is not None
    assert (row.state, row.error) == (ArchiveState.FAILED, "reading it was interrupted")
    assert not readers()


ENDS = {
    "it says nothing": ("pass", 503, "code 0"),
    "it fails to start": ("raise ImportError", 503, "code 1"),
    "it is killed before it begins": ("os.kill(os.getpid(), 9)", 503, "SIGKILL"),
    "it says nothing more": ("print(begun)", 422, "code 0"),
    "it leaves": ("print(begun, flush=True); os._exit(3)", 422, "code 3"),
    "it crashes": ("print(begun, flush=True); os.kill(os.getpid(), 11)", 422, "SIGSEGV"),
    "it is aborted": ("print(begun, flush=True); os.kill(os.getpid(), 6)", 422, "SIGABRT"),
    "it is out of time": ("print(begun, flush=True); os.kill(os.getpid(), 24)", 422, "SIGXCPU"),
    "the machine has no memory left": (
        "print(begun, flush=True); os.kill(os.getpid(), 9)",
        503,
        "SIGKILL",
    ),
    "a real-time signal": ("print(begun, flush=True); os.kill(os.getpid(), 40)", 422, "code -40"),
    "it babbles": ("print('never\\nthis', flush=True); print('{}'); print('[1]')", 503, "code 0"),
    "it babbles on": ("print('x' * 300_000); print(begun)", 503, "code 0"),
    "its answer has no end": ("print(begun[:-3], end='')", 503, "code 0"),
    "its answer is of another kind": ('print(json.dumps({"outcome": "magic"}))', 503, "code 0"),
    "it stores nothing": ('print(json.dumps({"outcome": "stored"}))', 422, "code 0"),
    "it does not listen": ("os.close(0); os.close(1); time.sleep(0.1)", 503, "code 0"),
}


@pytest.mark.parametrize(("script", "status", "how"), ENDS.values(), ids=ENDS)
def test_however_a_reader_ends_its_caller_is_told_and_it_is_never_our_fault(
    committed: Factory, monkeypatch: pytest.MonkeyPatch, script: str, status: int, how: str
) -> None:
    command = (sys.executable, "-S", "-c", _BEGINS + script)
    monkeypatch.setattr("api.uploading.loading._COMMAND", command)

    with make_client(committed, make_key(committed, "cooks")) as client:
        answer = client.post(URL, content=SMALL)

    assert (answer.status_code, how in answer.json()["detail"]) == (status, True), answer.text
    assert ("retry-after" in answer.headers) is (status == 503)


def test_a_machine_that_starts_no_more_processes_is_503(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.uploading.loading._COMMAND", ("/nowhere/python",))

    with make_client(committed, make_key(committed, "cooks")) as client:
        answer = client.post(URL, content=SMALL)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("limit", ["upload_time_limit_s", "upload_silence_s"])
def test_a_reader_that_does_not_begin_in_time_is_503(
    committed: Factory, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    sleeps = (sys.executable, "-S", "-c", "import time; time.sleep(60)")
    monkeypatch.setattr("api.uploading.loading._COMMAND", sleeps)
    key = make_key(committed, "cooks")

    given: dict[str, Any] = {limit: 1}
    with make_client(committed, key, **given) as client:
        answer = client.post(URL, content=SMALL)

    assert int(answer.headers["retry-after"]) > 0
    assert (answer.status_code, "did not start" in answer.json()["detail"]) == (503, True)


@pytest.mark.parametrize("limit", ["upload_time_limit_s", "upload_silence_s"])
@pytest.mark.parametrize("had_s", [0.0, 2.0])
def test_who_takes_too_long_is_blamed_only_if_it_had_a_processor(
    committed: Factory, monkeypatch: pytest.MonkeyPatch, limit: str, had_s: float
) -> None:
    key = make_key(committed, "cooks")
    with committed.begin() as session:
        forum = forums.get_forum(session, "cooks")
        row = archives.create(session, forum.id, name="x", form="csv", top_k=9)
    begins = {"outcome": "begun", "archive_id": row.id}
    stops = f"print('{json.dumps(begins)}', flush=True); os.kill(os.getpid(), signal.SIGSTOP)"
    command = (sys.executable, "-S", "-c", _BEGINS + stops)
    monkeypatch.setattr("api.uploading.loading._COMMAND", command)
    monkeypatch.setattr(loading, "_LOOK_S", 0.05)
    monkeypatch.setattr(loading, "_GRACE_S", 0.1)
    had = itertools.count(0.0, had_s)
    monkeypatch.setattr(loading, "_processor_s", lambda _: next(had))

    given: dict[str, Any] = {limit: 1.5}
    with make_client(committed, key, **given) as client:
        answer = client.post(URL, content=SMALL)

    failed = only_archive(committed)
    assert failed is not None
    assert failed.error is not None
    assert failed.state == ArchiveState.FAILED
    assert failed.error == answer.json()["detail"]
    if had_s:
        assert (answer.status_code, "took longer than" in failed.error) == (422, True)
    else:
        assert (answer.status_code, "no further within" in failed.error) == (503, True)
        assert int(answer.headers["retry-after"]) > 0


def test_every_outcome_of_a_reader_has_an_error_but_those_of_success() -> None:
    assert set(Outcome) - set(loading._ERRORS) == {Outcome.BEGUN, Outcome.STORED}  # noqa: SLF001


def test_a_reader_without_a_parent_ends_at_once() -> None:
    job = LoadJob(
        fd=0, parent=1, database_url="postgresql://", forum="x", name="x", form=None, chosen={},
        top_k=1, memory_bytes=1 << 30, disk_bytes=1 << 30,
    )  # fmt: skip
    command = [sys.executable, "-m", "worker.archives.loading.load_process"]
    done = subprocess.run(command, input=job.encoded(), capture_output=True, check=False)

    assert done.returncode == 1
    assert b"gone" in done.stderr


DEEP = b"[" * 200_000 + b"]" * 200_000


def test_a_document_that_is_nested_deep_in_its_first_line_is_read(committed: Factory) -> None:
    data = b'{"topics": [{"id": 1, "title": "Is it read?"}, ' + DEEP + b"]}"

    with make_client(committed, make_key(committed, "cooks")) as client:
        answer = client.post(URL, content=data)

    assert (answer.status_code, answer.json()["created"]) == (202, 1)


def parquet_page_of(size: int) -> bytes:
    out = io.BytesIO()
    table = pa.table({"title": ["z" * (1 << 20)] * (size >> 20)})
    pq.write_table(table, out, compression="zstd", use_dictionary=False)
    return out.getvalue()


def test_a_file_that_needs_too_much_memory_is_refused_and_the_api_lives_on(
    committed: Factory,
) -> None:
    client = make_client(committed, make_key(committed, "cooks"))

    with client:
        refused = client.post(URL, content=parquet_page_of(320 << 20))
        after = client.post(URL, content=SMALL)

    assert refused.status_code == 422, refused.text
    assert "memory" in refused.json()["detail"]
    assert after.status_code == 202


def test_a_disk_without_room_is_507_and_leaves_no_archive(committed: Factory) -> None:
    client = make_client(committed, make_key(committed, "cooks"), upload_free_bytes=1 << 60)

    with client:
        refused = client.post(URL, content=SMALL)

    assert refused.status_code == 507
    assert int(refused.headers["retry-after"]) > 0
    assert only_archive(committed) is None


def test_a_disk_that_takes_nothing_is_507(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*, buffering: int = -1, **_: object) -> IO[bytes]:
        return cast("IO[bytes]", Path("/dev/full").open("wb+", buffering=buffering))

    monkeypatch.setattr("api.uploading.uploads.tempfile.TemporaryFile", full)

    with make_client(committed, make_key(committed, "cooks")) as client:
        refused = client.post(URL, content=SMALL)

    assert refused.status_code == 507
    assert only_archive(committed) is None


def test_a_database_that_takes_no_changes_is_503_to_a_reader(
    committed: Factory, engine: Engine
) -> None:
    name, key = engine.url.database, make_key(committed, "cooks")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        try:
            with make_client(committed, key) as client:
                refused = client.post(URL, content=SMALL)
        finally:
            connection.exec_driver_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")

    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, "3m"):
        yield tmp_path


def test_a_disk_that_fills_up_meanwhile_is_507_and_gives_its_room_back(
    committed: Factory, tiny_disk: Path
) -> None:
    client = make_client(
        committed,
        make_key(committed, "cooks"),
        upload_folder=tiny_disk,
        upload_free_bytes=0,
    )
    chunks = (os.urandom(1 << 20) for _ in range(8))  # its length is not announced

    with client:
        refused = client.post(URL, content=chunks)
        after = client.post(URL, content=SMALL)

    assert (refused.status_code, after.status_code) == (507, 202)


def test_a_body_that_stops_coming_gives_its_slot_back(committed: Factory) -> None:
    settings = make_settings(upload_idle_s=0.5)
    headers = {"Authorization": f"Bearer {make_key(committed, 'cooks')}"}

    def body() -> Iterator[bytes]:
        yield SMALL
        time.sleep(2)
        yield SMALL

    with serving(create_app(settings, committed, NotingQueue())) as url:
        answer = httpx2.post(url + URL, content=body(), headers=headers, timeout=60)
        after = httpx2.post(url + URL, content=SMALL, headers=headers, timeout=60)

    assert (answer.status_code, after.status_code) == (408, 202)


@pytest.mark.parametrize("column", ["title.x", "nowhere"])
def test_a_wrong_map_is_422_and_leaves_an_archive_that_says_so(
    committed: Factory, column: str
) -> None:
    client = make_client(committed, make_key(committed, "cooks"))

    with client:
        answer = client.post(f"{URL}?map=title={column}", content=b"id,title\n1,Why?\n")

    row = only_archive(committed)
    assert answer.status_code == 422
    assert row is not None
    assert (row.state, row.form) == (ArchiveState.FAILED, "unknown")
    assert row.error == answer.json()["detail"]


def test_a_file_that_turns_out_broken_leaves_a_failed_archive_with_the_reason(
    committed: Factory,
) -> None:
    rows = "".join(f"{n},Is {n * 7919 % 10007} prime?\n" for n in range(20_000))
    packed = gzip.compress(f"id,title\n{rows}".encode())
    client = make_client(committed, make_key(committed, "cooks"))

    with client:
        answer = client.post(URL, content=packed[: len(packed) // 2])
        listed = client.get(URL).json()
        whole = client.post(URL, content=packed)

    assert answer.status_code == 422
    assert [(one["state"], "damaged" in one["error"]) for one in listed] == [("failed", True)]
    assert whole.json()["created"] + whole.json()["unchanged"] == 20_000


def test_what_a_library_prints_is_not_among_a_readers_answers() -> None:
    script = (
        "import structlog\n"
        "from worker.archives.load_job import LoadReport, Outcome\n"
        "from worker.archives.loading.load_process import _mouth\n"
        "say = _mouth()\n"
        "structlog.get_logger().warning('noise')\n"
        "print('noise', flush=True)\n"
        "say(LoadReport(outcome=Outcome.STORED, archive_id=1))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert done.stdout.count(b"\n") == 1
    assert json.loads(done.stdout)["archive_id"] == 1
    assert done.stderr.count(b"noise") == 2
