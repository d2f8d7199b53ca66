"""The campaign itself: the same seed plans the same, and nothing that is wrong goes unseen."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from tests.faults import plan
from tests.faults.breaking import Breaker
from tests.faults.campaign import run
from tests.faults.compare import Differences, compare
from tests.faults.ledger import Decided, Key, Ledger, Wanted
from tests.faults.plan import Fault
from tests.faults.receiver import Receiver
from tests.faults.world import World, running_world
from tests.integration.worker.live.test_pipeline import drain
from tests.rows.factories import make_forum, save_questions

Factory = sessionmaker[Session]
TITLES = ("How do I boil an egg", "How do I boil an egg", "Best train to Rome")


def test_the_same_seed_makes_the_same_plan(tmp_path: Path) -> None:
    faults = list(islice(plan.plan(7, every_s=3), 500))
    for fault in faults:
        plan.write(tmp_path / "log", fault)

    assert faults == list(islice(plan.plan(7, every_s=3), 500))
    assert faults != list(islice(plan.plan(8, every_s=3), 500))
    assert plan.read(tmp_path / "log") == faults
    assert {fault.kind for fault in faults} == set(plan.WEIGHTS)
    assert 2 < sum(fault.after_s for fault in faults) / 500 < 4


@pytest.fixture
def done(sessions: Factory) -> tuple[Factory, Ledger]:
    """Three questions, two of them twins, all accepted and all done."""
    with sessions.begin() as session:
        save_questions(session, make_forum(session, "alpha"), *TITLES)
    drain(sessions)
    ledger = Ledger()
    for number, title in enumerate(TITLES, start=1):
        ledger.accept(Key("alpha", str(number)), Wanted(title))
    return sessions, ledger


def found(sessions: Factory, ledger: Ledger) -> dict[str, int]:
    with sessions.begin() as session:
        differences = compare(session, ledger, Receiver())
    return {kind: len(some) for kind, some in differences.found.items() if some}


def test_where_all_is_as_it_was_accepted_nothing_differs(done: tuple[Factory, Ledger]) -> None:
    assert found(*done) == {}


DONE_TO_THE_DATABASE = {
    "DELETE FROM questions WHERE external_id = '3'": {"lost": 1},
    "UPDATE questions SET title = 'Another' WHERE external_id = '3'": {"lost": 1},
    "UPDATE questions SET visible = false WHERE external_id = '3'": {"lost": 1},
    "DELETE FROM pairs": {"twins missed": 1},
    "UPDATE pairs SET status = 'withdrawn'": {"twins missed": 1},
    "UPDATE questions SET text_version = 2 WHERE external_id = '1'": {"out of date": 1},
    "INSERT INTO events (forum_id, kind, pair_id, actor)"
    " SELECT forum_id, kind, pair_id, actor FROM events": {"told twice": 1},
    "DELETE FROM events": {"untold": 1},
    "INSERT INTO jobs (question_id, forum_id, lane, tokens)"
    " SELECT id, forum_id, 'live', 1 FROM questions WHERE external_id = '3'": {"stuck": 1},
    "INSERT INTO archives (forum_id, name, form, top_k) SELECT id, 'a', 'csv', 9 FROM forums"
    " WHERE name = 'alpha'": {"stuck": 1},
}


@pytest.mark.parametrize(("statement", "wanted"), DONE_TO_THE_DATABASE.items())
def test_what_is_wrong_in_the_database_is_seen(
    done: tuple[Factory, Ledger], statement: str, wanted: dict[str, int]
) -> None:
    sessions, ledger = done
    with sessions.begin() as session:
        session.execute(text(statement))

    assert found(sessions, ledger) == wanted


def test_what_was_never_accepted_is_seen(done: tuple[Factory, Ledger]) -> None:
    sessions, ledger = done
    ledger.erase(Key("alpha", "3"))

    assert found(sessions, ledger) == {"doubled": 1}


def test_what_its_client_gave_up_may_be_there_or_not(done: tuple[Factory, Ledger]) -> None:
    sessions, ledger = done
    ledger.questions.pop(Key("alpha", "1"))
    ledger.doubt({Key("alpha", "1"), Key("alpha", "3"), Key("alpha", "99")})
    assert found(sessions, ledger) == {}

    with sessions.begin() as session:
        session.execute(text("DELETE FROM pairs"))

    assert found(sessions, ledger) == {"twins missed": 1}


def test_a_decision_that_is_not_there_is_seen(done: tuple[Factory, Ledger]) -> None:
    sessions, ledger = done
    ends = (Key("alpha", "1"), Key("alpha", "2"))
    ledger.decisions["note"] = Decided(ends, is_certain=True)
    ledger.decisions["another"] = Decided(ends)

    assert found(sessions, ledger) == {"lost": 1}


def test_the_table_names_every_kind() -> None:
    assert len(Differences().lines()) == len(Differences().found)


@pytest.fixture
def beside(engine: Engine, tmp_path: Path) -> World:
    """A world without processes, on the servers of the tests."""
    return World(tmp_path, Path(str(engine.url.query["host"])))


def test_whoever_waits_for_a_stopped_backend_lets_it_go_meanwhile(
    beside: World, engine: Engine
) -> None:
    breaker = Breaker(beside, Receiver(), lambda: None)
    with engine.connect() as connection:
        held = connection.connection.driver_connection
        assert held is not None
        pid = held.info.backend_pid
        connection.exec_driver_sql("LOCK TABLE forums")
        os.kill(pid, signal.SIGSTOP)
        connection.invalidate()  # its client is gone, so it ends as soon as it is resumed
        done: list[str] = []
        database = str(engine.url.database)
        read = "SELECT count(*) FROM forums"
        breaker.undo_later(0.0, lambda: done.extend(map(str, beside.ask(read, database=database))))
        breaker.undo_later(0.3, lambda: os.kill(pid, signal.SIGCONT))

        breaker.tend()

    assert len(done) == 1
    assert breaker.is_over


FAULTS = (
    Fault(after_s=1.0, kind="cut database"),
    Fault(after_s=0.3, kind="flush redis"),
    Fault(after_s=0.3, kind="pause models", target="worker-1", lasts_s=0.5),
    Fault(after_s=0.3, kind="pause redis", lasts_s=0.5),
    Fault(after_s=0.3, kind="cut clients"),
    Fault(after_s=0.3, kind="read-only database", lasts_s=0.5),
    Fault(after_s=0.3, kind="kill redis"),
)


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="ab-", dir="/tmp"))  # short, for sockets
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_a_few_seconds_of_faults_lose_nothing(folder: Path) -> None:
    with running_world(folder) as world:
        report = run(world, FAULTS, seed=3, lasts_s=4.0, uploads=False, say=lambda _: None)

    assert report.is_clean, "\n".join(report.lines())
    assert report.made.total() == len(FAULTS)
    assert report.ledger.counts["submissions"] > 0
