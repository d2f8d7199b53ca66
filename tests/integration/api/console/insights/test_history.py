"""Downloads that nobody reads, or that are interrupted, block nothing."""

import csv
import io
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import Engine, text

from api.app import create_app
from api.console.insights.history import csv_of
from db.rows import PairStatus
from tests.rows.review import PASSWORD, Seeded, flag, make_person, say, seed_questions
from tests.servers.api_service import Factory, NotingQueue, make_key, make_settings
from tests.servers.live_server import serving
from training.data.reading import read_pairs

STALLED = 12
PATH = "/console/cooks/history/training-pairs.csv"
_MANY = """
    INSERT INTO questions (forum_id, external_id, title, body, text_fields, text_digest,
        content_digest)
    SELECT :forum, 'm-' || n, repeat('word ', 90) || n, '', 'title', decode(md5('' || n), 'hex'),
        decode(md5('' || n), 'hex')
    FROM generate_series(1, 9000) n
"""
_PAIRS = """
    INSERT INTO pairs (forum_id, low_id, high_id, kind, score, threshold, low_text_version,
        high_text_version, status, decided_by, decided_at)
    SELECT :forum, id, lead, 'model', 0.9, 0.5, 1, 1, 'duplicate', 'ana', now()
    FROM (SELECT id, lead(id) OVER (ORDER BY id) FROM questions WHERE forum_id = :forum) q
    WHERE lead IS NOT NULL
"""


@pytest.fixture
def seeded(committed: Factory) -> Seeded:
    with committed.begin() as session:
        return seed_questions(session, "=1+1", "'=1+1", "+49 30 12345 is whose", "Is -5 odd")


@pytest.fixture
def large(committed: Factory) -> Seeded:
    with committed.begin() as session:
        seeded = seed_questions(session, "How do I boil an egg")
        for statement in (_MANY, _PAIRS):
            session.execute(text(statement), {"forum": seeded.forum.id})
        make_person(session, seeded.forum, "ana")
    return seeded


def test_no_connection_is_held_while_a_line_waits_for_its_reader(
    committed: Factory, engine: Engine, large: Seeded
) -> None:
    rows = csv_of(committed, large.forum.id)
    next(rows)
    next(rows)

    held = engine.pool.status()
    count = 2 + sum(1 for _ in rows)

    assert "Current Checked out connections: 0" in held
    assert count > 5


def signed_in(url: str) -> str:
    with httpx2.Client(base_url=url) as client:
        client.post("/console/sign-in", data={"name": "ana", "secret": PASSWORD})
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def stall(url: str, cookie: str) -> socket.socket:
    """Ask for the file and read nothing of it."""
    where = urlsplit(url)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    reader.connect((where.hostname or "", where.port or 0))
    reader.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
    return reader


def wait_for(what: Callable[[], bool], *, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.mark.usefixtures("large")
def test_downloads_that_nobody_reads_leave_the_service_to_others(
    committed: Factory, engine: Engine
) -> None:
    key = make_key(committed, "bakers")
    headers = {"Authorization": f"Bearer {key}"}
    app = create_app(make_settings(), committed, NotingQueue())

    with serving(app) as url, ExitStack() as readers:
        cookie = signed_in(url)
        for _ in range(STALLED):
            readers.enter_context(stall(url, cookie))
        wait_for(lambda: "Current Checked out connections: 0" in engine.pool.status())
        other = readers.enter_context(httpx2.Client(base_url=url, headers=headers, timeout=60))
        answers = [other.get("/v1/forums/bakers") for _ in range(20)]

    assert {answer.status_code for answer in answers} == {200}


def test_an_export_cannot_run_in_a_spreadsheet_and_trains_all_the_same(
    committed: Factory, seeded: Seeded, tmp_path: Path
) -> None:
    with committed.begin() as session:
        for one, other in ((0, 1), (2, 3)):
            say(session, seeded, flag(session, seeded, one, other), PairStatus.DUPLICATE)
    exported = "".join(csv_of(committed, seeded.forum.id))
    file = tmp_path / "decisions.csv"
    file.write_text(exported, encoding="utf-8")

    cells = [cell for row in csv.reader(io.StringIO(exported)) for cell in row]
    pairs = read_pairs(file).pairs

    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert [(pair.question1, pair.question2) for pair in pairs] == [
        ("=1+1", "'=1+1"),
        ("+49 30 12345 is whose", "Is -5 odd"),
    ]
