"""What the ledger says of an archive: rates, what is left, and how soon work makes room."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import func, select, update

from db.archives import archives
from db.archives import blocks as archive_blocks
from db.archives import units as archive_units
from db.archives.archives import ArchiveState, Stage
from db.archives.units import NewUnit, StageProgress
from db.questions import saving
from db.tables.archives import ArchiveUnit
from db.tables.questions import Question
from db.work.rows import Lane
from tests.integration.worker.archives.stages.test_slices import advance_to, reranked
from tests.integration.worker.archives.stages.test_steps import expected, found, mine, named
from tests.rows.archive_factories import (
    CALIBRATION,
    Factory,
    bring_in,
    make_worker,
    records,
    titles,
)
from tests.rows.factories import make_forum, new_question
from worker.archives.payload import unpack_near
from worker.inference.testing import WordEncoder, WordReranker


def told_of(sessions: Factory, done: Sequence[tuple[float, float]], *, left: int) -> StageProgress:
    """Return the progress of an archive with units done some seconds ago, each taking some.

    Every unit is of size 10; *left* are not done yet.
    """
    _, archive = bring_in(sessions, records(titles(5)))
    now = datetime.now(UTC)
    with sessions.begin() as session:
        archives.change(session, archive.id, stage=Stage.EMBED)
        units = [NewUnit(stage=Stage.EMBED, size=10, place=n) for n in range(len(done) + left)]
        archive_units.plan(session, archive.id, units)
        for place, (ago_s, took_s) in enumerate(done):
            session.execute(
                update(ArchiveUnit)
                .where(ArchiveUnit.archive_id == archive.id, ArchiveUnit.place == place)
                .values(done_at=now - timedelta(seconds=ago_s), took_s=took_s, attempts=1)
            )
        (told,) = archive_units.progress(session, archive.id)
    return told


def test_a_rate_counts_the_time_between_units_and_not_a_restart(committed: Factory) -> None:
    # Three units in six seconds, an hour of nobody, two in four.
    told = told_of(committed, [(3610, 2), (3608, 2), (3606, 2), (4, 2), (2, 2)], left=3)

    assert told.rate == pytest.approx(5.0, rel=0.01)
    assert told.left_s == pytest.approx(6.0, rel=0.01)


def test_workers_that_share_an_archive_add_up(committed: Factory) -> None:
    told = told_of(committed, [(8, 4), (8, 4), (4, 4), (4, 4)], left=2)

    assert told.rate == pytest.approx(5.0, rel=0.01)


def test_a_rate_follows_the_workers_there_are_now(committed: Factory) -> None:
    slow = [(600.0 - 2 * n, 2.0) for n in range(100)]
    fast = [(200.0 - n, 1.0) for n in range(200)]

    assert told_of(committed, slow + fast, left=5).rate == pytest.approx(10.0, rel=0.05)


def test_nothing_is_promised_while_nobody_works(committed: Factory) -> None:
    told = told_of(committed, [(700, 2), (600, 2)], left=3)

    assert (told.is_worked_on, told.left_s) == (False, None)


def test_nothing_is_promised_of_a_paused_archive(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.archives.stages.steps.RERANK_PAIRS", 4)
    _, archive = bring_in(committed, records(titles(20)))
    advance_to(committed, archive.id, Stage.RERANK)
    with committed.begin() as session:
        archives.set_state(session, archive.id, ArchiveState.PAUSED)
        *done, reranking = archive_units.progress(session, archive.id)

    assert reranking.left_s is None
    assert all(one.left_s == 0 for one in done)


def test_what_was_set_aside_is_not_waited_for(committed: Factory) -> None:
    told = told_of(committed, [(4, 2), (2, 2)], left=1)
    assert told.left_s == pytest.approx(2.0, rel=0.01)
    with committed.begin() as session:
        (archive,) = archives.list_archives(session)
        session.execute(
            update(ArchiveUnit)
            .where(ArchiveUnit.done_at.is_(None))
            .values(attempts=archive_units.MAX_ATTEMPTS)
        )
        (told,) = archive_units.progress(session, archive.id)

    assert (told.failed, told.left_s) == (1, 0.0)


class Stretches:
    """Counts what the models are given between two looks at the live lane."""

    def __init__(self) -> None:
        self.now, self.longest, self.looks = 0, 0, 0

    def add(self, inputs: int) -> None:
        self.now += inputs
        self.longest = max(self.longest, self.now)

    def look(self) -> bool:
        self.now, self.looks = 0, self.looks + 1
        return True  # somebody always waits


class CountedEncoder(WordEncoder):
    def __init__(self, stretches: Stretches) -> None:
        super().__init__()
        self._stretches = stretches

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._stretches.add(len(texts))
        return super().encode(texts)


class CountedReranker(WordReranker):
    def __init__(self, stretches: Stretches) -> None:
        super().__init__(CALIBRATION)
        self._stretches = stretches

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        self._stretches.add(len(pairs))
        return super().score(texts, pairs)


def test_the_live_lane_is_looked_at_after_a_few_questions_and_pairs(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.archives.stages.steps.LOOK", 420)
    wanted, stretches = titles(80), Stretches()
    _, archive = bring_in(committed, records(wanted))
    worker = make_worker(committed, CountedEncoder(stretches), CountedReranker(stretches))

    while worker.run(60.0, is_wanted=stretches.look):
        pass
    mine(worker)

    assert stretches.longest <= 16  # of 30 characters and more
    assert named(found(committed)) == expected(wanted)
    done, counted = reranked(committed, archive.id)
    assert done == counted
    assert stretches.looks > done / 8
    with committed.begin() as session:
        told = archive_units.progress(session, archive.id)
        assert not any(one.failed for one in told)
        assert all(one.size_done == one.size for one in told)


def test_the_pairs_of_a_question_are_reranked_together_and_questions_of_like_length(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.archives.stages.steps.RERANK_PAIRS", 16)
    _, archive = bring_in(committed, records(titles(80)))
    advance_to(committed, archive.id, Stage.RERANK)

    with committed.begin() as session:
        rows = session.execute(select(Question.id, func.char_length(Question.title)))
        lengths = {row[0]: row[1] for row in rows}
        units = session.execute(
            select(ArchiveUnit.payload)
            .where(ArchiveUnit.stage == Stage.RERANK)
            .order_by(ArchiveUnit.id)
        ).scalars()
        parts = [unpack_near(payload) for payload in units if payload]  # others are done

    owners = [one for part in parts for one, _ in groupby(part.left.tolist())]
    assert len(parts) > 3
    assert len(owners) == len(set(owners)) > 20
    assert all((part.left > part.right).all() for part in parts)
    blocks = sum(
        lengths[one] > lengths[other] for one, other in pairwise(owners)
    )  # where the next block's pairs begin
    assert blocks < 3


def test_a_length_is_of_what_the_models_see(committed: Factory) -> None:
    body = "b" * 100
    with committed.begin() as session:
        forum = make_forum(session)
        items = [
            replace(new_question("Why?", external_id=fields, body=body), text_fields=fields)
            for fields in ("title", "title_body")
        ]
        plain, whole = (one.id for one in saving.save(session, forum, items, lane=Lane.LIVE))

        ids = np.array([whole, plain, 10**9, whole], dtype=np.int64)
        lengths = archive_blocks.lengths(session, ids, longest=90)

    assert lengths.tolist() == [90, 4, 0, 90]
