"""Units of archives outlive their workers, and workers their leases: nothing is lost or doubled."""

import random
import subprocess
import sys
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import func, select, update

from cli.running.embedded import Addresses
from db.archives import archives, results
from db.archives import units as archive_units
from db.archives.archives import ArchiveState, Stage
from db.questions import questions
from db.questions.rows import State
from db.tables.archives import ArchiveUnit
from db.tables.pairs import Event, Pair
from tests.integration.worker.archives.stages.test_steps import count, expected, found, mine, named
from tests.rows.archive_factories import (
    CALIBRATION,
    Factory,
    bring_in,
    make_worker,
    records,
    titles,
)
from worker.archives.stages.slices import ArchiveWorker
from worker.inference.testing import WordEncoder, WordReranker


class Gate:
    """Lets one caller in and keeps it there until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def wait(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(60)


class SlowEncoder(WordEncoder):
    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._gate.wait()
        return super().encode(texts)


class SlowReranker(WordReranker):
    def __init__(self, gate: Gate) -> None:
        super().__init__(CALIBRATION)
        self._gate = gate

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        self._gate.wait()
        return super().score(texts, pairs)


def run_out(sessions: Factory, *, attempts: int = 0) -> None:
    """Let all leases run out now."""
    with sessions.begin() as session:
        session.execute(
            update(ArchiveUnit)
            .where(ArchiveUnit.lease.is_not(None))
            .values(due_at=func.clock_timestamp(), attempts=attempts)
        )


def in_thread(worker: ArchiveWorker) -> threading.Thread:
    thread = threading.Thread(target=worker.run, args=(0.0001,))
    thread.start()
    return thread


def reranked(sessions: Factory, archive_id: int) -> tuple[int, int]:
    """Return the pairs that the ledger counts, and those that its histogram holds."""
    with sessions.begin() as session:
        told = {one.stage: one for one in archive_units.progress(session, archive_id)}
        return told[Stage.RERANK].size_done, sum(results.histogram(session, archive_id))


def test_a_run_killed_twenty_times_ends_with_the_pairs_of_an_undisturbed_one(
    committed: Factory, servers: Addresses
) -> None:
    wanted = titles(200)
    _, archive = bring_in(committed, records(wanted))
    chance, kills, ended = random.Random(4), 0, False  # noqa: S311  # no secret
    with subprocess.Popen(
        [sys.executable, "-m", "tests.rows.archive_factories", servers.database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as nursery:
        while not ended:
            print(chance.randint(8, 90), file=nursery.stdin, flush=True)
            assert nursery.stdout is not None
            ended = int(nursery.stdout.readline()) == 0
            kills += not ended
            run_out(committed)
        nursery.stdin.close()  # type: ignore[union-attr]

    assert kills >= 20
    with committed.begin() as session:
        assert archives.get(session, archive.id).state is ArchiveState.DONE
        assert not any(one.failed for one in archive_units.progress(session, archive.id))
    assert named(found(committed)) == expected(wanted)
    assert count(committed, Event) == count(committed, Pair)
    done, counted = reranked(committed, archive.id)
    assert done == counted > 0


@pytest.mark.parametrize("stage", [Stage.EMBED, Stage.RERANK])
def test_a_worker_that_outlives_its_lease_writes_nothing(
    committed: Factory, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    monkeypatch.setattr("worker.archives.stages.plan.EMBED_STEP", 30)
    monkeypatch.setattr("worker.archives.stages.steps.RERANK_PAIRS", 64)
    wanted, gate = titles(120), Gate()
    _, archive = bring_in(committed, records(wanted))
    if stage is Stage.RERANK:
        advance_to(committed, archive.id, stage)
        slow = make_worker(committed, reranker=SlowReranker(gate))
    else:
        slow = make_worker(committed, SlowEncoder(gate))
    late = in_thread(slow)
    assert gate.reached.wait(60)

    run_out(committed)
    mine(make_worker(committed))
    before = found(committed), count(committed, Event), reranked(committed, archive.id)
    gate.opened.set()
    late.join()

    assert (found(committed), count(committed, Event), reranked(committed, archive.id)) == before
    assert named(before[0]) == expected(wanted)
    assert before[1] == count(committed, Pair)
    assert before[2][0] == before[2][1]


def test_a_unit_that_was_set_aside_is_not_done_after_its_stage(committed: Factory) -> None:
    gate = Gate()
    forum, archive = bring_in(committed, records(titles(20)))
    late = in_thread(make_worker(committed, SlowEncoder(gate)))
    assert gate.reached.wait(60)

    run_out(committed, attempts=archive_units.MAX_ATTEMPTS)
    mine(make_worker(committed))
    gate.opened.set()
    late.join()

    # Its vectors came after the tiles were planned: nothing was compared with them.
    with committed.begin() as session:
        (embedding,) = archive_units.progress(session, archive.id)[:1]
        assert (embedding.stage, embedding.units_done, embedding.failed) == (Stage.EMBED, 0, 1)
        question = questions.get(session, forum.id, "q1")
        assert question.state is State.FAILED
        assert question.error is not None
        assert "import it again" in question.error
    assert not found(committed)

    bring_in(committed, records(titles(20)))
    mine(make_worker(committed))

    assert named(found(committed)) == expected(titles(20))
    with committed.begin() as session:
        assert questions.get(session, forum.id, "q1").state is State.DONE


def advance_to(sessions: Factory, archive_id: int, stage: Stage) -> None:
    worker = make_worker(sessions)
    while True:
        worker.run(0.0001)
        with sessions.begin() as session:
            if archives.get(session, archive_id).stage is stage:
                return


def test_leases_are_not_shared(committed: Factory) -> None:
    _, archive = bring_in(committed, records(titles(20)))
    make_worker(committed).run(0.0)
    with committed.begin() as session:
        archives.change(session, archive.id, stage=Stage.EMBED)
        archive_units.plan(session, archive.id, [archive_units.NewUnit(stage=Stage.EMBED, size=1)])

    with committed.begin() as one, committed.begin() as other:
        first = archive_units.claim(one, archive.id, lease_s=60)
        second = archive_units.claim(other, archive.id, lease_s=60)

    assert first is not None
    assert second is None
    with committed.begin() as session:
        held = session.execute(select(ArchiveUnit.lease)).scalar_one()
    assert held == first.lease
