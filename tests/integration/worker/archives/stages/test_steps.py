"""Archives through the ledger: loaded, mined, paused, killed, mined by two."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import delete, func, select, update

from db.archives import archives, reading, results
from db.archives import units as archive_units
from db.archives.archives import (
    ArchiveEndedError,
    ArchiveRow,
    ArchiveState,
    ArchiveUnreadError,
    Stage,
)
from db.questions import questions
from db.questions.rows import State
from db.rows import PairKind, PairStatus
from db.tables.archives import Archive, ArchiveUnit
from db.tables.pairs import Event, Pair
from db.tables.questions import Embedding, Job, Question
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from tests.integration.worker.live.test_pipeline import drain
from tests.rows.archive_factories import (
    CALIBRATION,
    Factory,
    bring_in,
    make_worker,
    records,
    titles,
)
from tests.rows.factories import make_forum, save_questions
from tests.servers.api_service import NotingQueue
from worker.archives.loading.ends import StoppedError
from worker.archives.loading.load import load
from worker.archives.readers import KnownPair, Record, Reject, SourceQuestion
from worker.archives.searching import blocks, products
from worker.archives.searching.blocks import BlockSearch
from worker.archives.searching.mining import Miner
from worker.archives.stages.slices import ArchiveWorker
from worker.inference.testing import WordEncoder, WordReranker
from worker.scoring.calibration import Calibration
from worker.scoring.fusion import Fusion
from worker.scoring.gate import Gate
from worker.upkeep import sweep

Found = set[tuple[str, str, str, float]]


def mine(worker: ArchiveWorker, *, limit_s: float = 240.0) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if not worker.run(1.0):
            with worker.sessions.begin() as session:
                if not archive_units.active(session):
                    return
            time.sleep(0.05)
    pytest.fail(f"the archive was not mined in {limit_s:g} s")


def found(sessions: Factory) -> Found:
    with sessions.begin() as session:
        names = {row.id: row.external_id for row in session.execute(select(Question)).scalars()}
        rows = session.execute(select(Pair)).scalars().all()
        return {
            (*sorted((names[row.low_id], names[row.high_id])), row.kind, round(row.score, 4))  # type: ignore[misc]
            for row in rows
        }


def expected(wanted: list[str], calibration: Calibration = CALIBRATION) -> set[tuple[str, str]]:
    mined = Miner(WordEncoder(), WordReranker(calibration), search=BlockSearch("cpu")).mine(wanted)
    return {
        tuple(sorted((f"q{left + 1}", f"q{right + 1}")))  # type: ignore[misc]
        for left, right in zip(mined.left, mined.right, strict=True)
    }


def named(pairs: Found) -> set[tuple[str, str]]:
    return {(one, other) for one, other, _, _ in pairs}


def count(sessions: Factory, table: type) -> int:
    with sessions.begin() as session:
        rows = select(func.count()).select_from(table)
        if table is Event:  # and not the one that tells the archive's end
            rows = rows.where(Event.kind.like("pair.%"))
        return session.execute(rows).scalar_one()


def test_an_archive_ends_with_the_pairs_that_mining_in_memory_finds(committed: Factory) -> None:
    wanted = titles(150)
    forum, archive = bring_in(committed, records(wanted))

    mine(make_worker(committed))

    assert named(found(committed)) == expected(wanted)
    assert {kind for _, _, kind, _ in found(committed)} == {PairKind.SAME_TEXT, PairKind.MODEL}
    with committed.begin() as session:
        row = archives.get(session, archive.id)
        assert (row.state, row.stage, row.created) == (ArchiveState.DONE, Stage.DONE, 150)
        told = archive_units.progress(session, archive.id)
        assert all(one.units_done == one.units and one.size_done == one.size for one in told)
        assert sum(results.histogram(session, archive.id)) > 0
        assert questions.get(session, forum.id, "q1").checked_at is not None


def test_density_counts_in_an_archive_as_it_does_in_memory(
    committed: Factory,
) -> None:
    crowd = [f"how do i draw map number {one}" for one in range(40)]
    wanted = [*titles(110), *crowd]
    careful = replace(CALIBRATION, logit_only=Fusion(density=9.0))
    bring_in(committed, records(wanted))

    mine(make_worker(committed, reranker=WordReranker(careful)))

    pairs = named(found(committed))
    assert pairs == expected(wanted, careful)
    assert pairs != expected(wanted)


@pytest.mark.parametrize(("own_threshold", "is_asked"), [(None, True), (0.4, False)])
def test_a_gate_is_asked_only_where_the_forum_flags_no_lower_than_it_was_fitted_for(
    committed: Factory, *, own_threshold: float | None, is_asked: bool
) -> None:
    matrix = np.zeros((WordEncoder.dimension, 1), np.float32)
    shut = Gate(
        bi_encoder=WordEncoder.digest,
        threshold=CALIBRATION.threshold,
        floor=CALIBRATION.cosine_floor,
        bar=1.0,
        product=matrix,
        difference=matrix,
        total=matrix,
        bias=matrix[0],
        out=matrix[0],
    )
    with committed.begin() as session:
        forums.ensure_forum(session, "cooks")
        forums.update_forum(session, "cooks", threshold=own_threshold)
    bring_in(committed, records(titles(80)))

    mine(make_worker(committed, reranker=WordReranker(CALIBRATION, shut)))

    kinds = {kind for _, _, kind, _ in found(committed)}
    assert kinds == ({PairKind.SAME_TEXT} if is_asked else {PairKind.SAME_TEXT, PairKind.MODEL})


def test_new_questions_are_compared_with_stored_ones_and_old_pairs_are_left_alone(
    committed: Factory,
) -> None:
    wanted = titles(120)
    bring_in(committed, records(wanted[:60]))
    mine(make_worker(committed))
    before = found(committed)

    bring_in(committed, records(wanted[60:], first=61), name="new.csv")
    mine(make_worker(committed))

    assert before <= found(committed)
    assert named(found(committed)) == expected(wanted)


def test_importing_twice_is_a_no_op(committed: Factory) -> None:
    wanted = records(titles(80))
    bring_in(committed, wanted)
    mine(make_worker(committed))
    before = found(committed), count(committed, Event), count(committed, Embedding)

    _, again = bring_in(committed, wanted)
    mine(make_worker(committed))

    assert (found(committed), count(committed, Event), count(committed, Embedding)) == before
    assert (again.created, again.unchanged) == (0, 80)


def test_an_edited_question_is_checked_again_in_the_archive_lane(committed: Factory) -> None:
    bring_in(committed, records(["What feeds a fox?", "Why is rain wet?"]))
    changed = [SourceQuestion("q1", "What feeds a young fox?", line=1)]

    _, again = bring_in(committed, changed)

    assert (again.created, again.changed) == (0, 1)
    with committed.begin() as session:
        assert session.execute(select(Job.lane)).scalars().all() == [Lane.ARCHIVE]


def test_rejects_are_counted_and_kept_with_their_lines(committed: Factory) -> None:
    rows = [
        *records(["What feeds a fox?"]),
        Reject(2, "it is not valid JSON"),
        SourceQuestion("q3", "x" * 2_001, line=3),
        SourceQuestion("q1", "Another question?", line=4),
        SourceQuestion("q1", "What feeds a fox?", line=5),
    ]

    _, archive = bring_in(committed, rows)

    assert (archive.created, archive.unchanged, archive.rejected) == (1, 1, 3)
    assert [one["line"] for one in archive.rejects] == [2, 3, 4]


def begun(sessions: Factory) -> tuple[ForumRow, ArchiveRow]:
    """Return a forum with an archive that nobody has read from yet."""
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, "cooks")
        return forum, archives.create(session, forum.id, name="a", form="csv", top_k=100)


def broken(rows: Iterable[Record], error: BaseException) -> Iterator[Record]:
    """Yield the rows of a file that breaks off."""
    yield from rows
    raise error


def test_an_interrupted_load_goes_on_where_it_ended(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.archives.loading.batches.BATCH", 10)
    wanted = records(titles(45))
    forum, archive = begun(committed)

    with pytest.raises(OSError, match="disk"):
        load(committed, forum, archive, broken(wanted[:25], OSError("the disk went away")))
    with committed.begin() as session:
        found = reading.find_unloaded(session, forum.id, archive.name)
        assert found is not None
        held = reading.read_on(session, found.id)
    assert (found.state, found.error) == (ArchiveState.FAILED, "reading it failed: OSError")
    assert (held.state, held.error, held.position) == (ArchiveState.RUNNING, None, 20)
    done = load(committed, forum, held, wanted)

    assert (done.created, done.position, done.stage) == (45, 45, Stage.LINK)


def test_an_archive_that_nobody_reads_any_more_fails_and_one_that_is_read_goes_on(
    committed: Factory,
) -> None:
    with committed.begin() as session:
        forum = forums.ensure_forum(session, "cooks")
        ids = [
            archives.create(session, forum.id, name=name, form="csv", top_k=100).id
            for name in ("left", "read", "old", "never begun")
        ]
        for archive_id in ids[:2]:
            reading.attend(session, archive_id)
        hour_ago = {"attended_at": Archive.attended_at - timedelta(hours=1)}
        archives.change(session, ids[0], **hour_ago)
        archives.change(
            session, ids[2], attended_at=None, created_at=func.now() - timedelta(days=2)
        )
        archives.change(session, ids[3], **hour_ago)
    sweep(committed, NotingQueue())

    with committed.begin() as session:
        rows = [archives.get(session, archive_id) for archive_id in ids]
    assert [row.state for row in rows] == ["failed", "running", "failed", "failed"]
    assert "went away" in str(rows[0].error)


def test_what_a_killed_reader_stored_is_searched_when_the_file_is_sent_again_at_once(
    committed: Factory,
) -> None:
    wanted = records(["How do I boil an egg", "How do I boil an egg?"])
    with committed.begin() as session:
        forum = forums.ensure_forum(session, "cooks")
        first = archives.create(session, forum.id, name="a", form="csv", top_k=100)
    load(committed, forum, first, wanted)
    with committed.begin() as session:  # as if it had been killed before it said that it is done
        session.execute(delete(ArchiveUnit).where(ArchiveUnit.archive_id == first.id))
        archives.change(session, first.id, stage=Stage.LOAD, state=ArchiveState.RUNNING)

    _, again = bring_in(committed, wanted)
    mine(make_worker(committed))

    assert (again.created, again.unchanged) == (0, 2)
    with committed.begin() as session:
        assert session.execute(select(func.count()).select_from(Pair)).scalar_one() == 1


def unsearched(committed: Factory) -> int:
    """Return how many questions nobody has searched."""
    with committed.begin() as session:
        asked = select(func.count()).select_from(Question).where(Question.checked_at.is_(None))
        return session.execute(asked).scalar_one()


def test_what_a_failed_load_stored_is_taken_over_when_the_file_is_sent_again(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.archives.loading.batches.BATCH", 10)
    wanted = records(titles(30))
    forum, first = begun(committed)

    with pytest.raises(MemoryError):
        load(committed, forum, first, broken(wanted[:20], MemoryError()))
    with committed.begin() as session:
        told = questions.get(session, forum.id, "q1")
        with pytest.raises(ArchiveUnreadError):
            archives.set_state(session, first.id, ArchiveState.RUNNING)
    _, again = bring_in(committed, wanted)
    mine(make_worker(committed))

    assert (told.state, told.error and "import it again" in told.error) == ("failed", True)
    assert (again.created, again.unchanged) == (10, 20)
    assert unsearched(committed) == 0


@pytest.mark.parametrize("fails", [True, False])
def test_of_two_readers_of_a_file_whichever_ends_has_each_question_searched(
    committed: Factory, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    monkeypatch.setattr("worker.archives.loading.batches.BATCH", 10)
    wanted = records(titles(30))
    forum, first = begun(committed)
    with committed.begin() as session:
        second = archives.create(session, forum.id, name="a", form="csv", top_k=100)

    def meanwhile() -> Iterator[Record]:
        yield from wanted[:25]
        with pytest.raises(MemoryError) if fails else nullcontext():
            load(committed, forum, second, broken(wanted, MemoryError()) if fails else wanted)
        yield from wanted[25:]

    load(committed, forum, first, meanwhile())
    mine(make_worker(committed))

    assert unsearched(committed) == 0


def test_a_batch_is_cut_short_where_its_texts_are_long(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.archives.loading.batches._BATCH_CHARS", 3_000)
    forum, archive = begun(committed)
    wanted = [SourceQuestion(f"l{n}", f"Is {n} long?", "word " * 100) for n in range(20)]
    positions: list[int] = []

    load(committed, forum, archive, wanted, on_batch=lambda at, _: positions.append(at))

    assert positions == [6, 12, 18, 20]


def test_the_forums_own_links_are_confirmed_and_grouped(committed: Factory) -> None:
    wanted = [*records(titles(20)), KnownPair(1, "q4", "q9"), KnownPair(2, "q4", "nowhere")]

    _, archive = bring_in(committed, wanted)
    mine(make_worker(committed))

    with committed.begin() as session:
        rows = session.execute(select(Pair).where(Pair.kind == PairKind.KNOWN)).scalars().all()
        assert [(row.status, row.decided_by) for row in rows] == [(PairStatus.DUPLICATE, "archive")]
        (link, *_) = archive_units.progress(session, archive.id)
        assert (link.stage, link.size, link.found) == (Stage.LINK, 2, 1)
        groups = session.execute(select(func.count()).select_from(Pair)).scalar_one()
        assert groups > 0


def test_a_paused_archive_rests_and_a_resumed_one_goes_on(committed: Factory) -> None:
    wanted = titles(40)
    _, archive = bring_in(committed, records(wanted))
    worker = make_worker(committed)
    with committed.begin() as session:
        archives.set_state(session, archive.id, ArchiveState.PAUSED)

    mine(worker)
    rested = found(committed)
    with committed.begin() as session:
        archives.set_state(session, archive.id, ArchiveState.RUNNING)
    mine(worker)

    assert not rested
    assert named(found(committed)) == expected(wanted)


def test_a_cancelled_archive_stays_cancelled(committed: Factory) -> None:
    _, archive = bring_in(committed, records(titles(20)))
    with committed.begin() as session:
        archives.set_state(session, archive.id, ArchiveState.CANCELLED)

    mine(make_worker(committed))

    assert not found(committed)
    assert count(committed, ArchiveUnit) == 0
    with committed.begin() as session, pytest.raises(ArchiveEndedError):
        archives.set_state(session, archive.id, ArchiveState.RUNNING)


def test_what_a_cancelled_archive_left_is_taken_up_by_the_next_import(committed: Factory) -> None:
    wanted = titles(40)
    _, archive = bring_in(committed, records(wanted))
    with committed.begin() as session:
        archives.set_state(session, archive.id, ArchiveState.CANCELLED)

    _, again = bring_in(committed, records(wanted))
    mine(make_worker(committed))

    assert (again.created, again.unchanged) == (0, 40)
    assert named(found(committed)) == expected(wanted)


def test_a_load_stops_when_the_archive_is_cancelled(committed: Factory) -> None:
    with committed.begin() as session:
        forum = forums.ensure_forum(session, "cooks")
        archive = archives.create(session, forum.id, name="old.csv", form="csv", top_k=100)
        archives.set_state(session, archive.id, ArchiveState.CANCELLED)

    with pytest.raises(StoppedError):
        load(committed, forum, archive, records(titles(5)))


def test_a_text_that_the_bi_encoder_cannot_read_is_set_aside_and_its_unit_is_done(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.archives.stages.slices._BACKOFF_S", 0.0)
    forum, archive = bring_in(committed, records([*titles(20), "a poison text"]))

    mine(make_worker(committed, WordEncoder(poison="poison")))

    with committed.begin() as session:
        assert archives.get(session, archive.id).state is ArchiveState.DONE
        assert not any(one.failed for one in archive_units.progress(session, archive.id))
        poisoned = questions.get(session, forum.id, "q21")
        neighbour = questions.get(session, forum.id, "q20")
    assert (poisoned.state, neighbour.state) == (State.FAILED, State.DONE)
    assert "cannot read" in str(poisoned.error)


def test_a_worker_that_is_wanted_elsewhere_stops_after_the_unit_in_hand(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.archives.stages.plan.EMBED_STEP", 10)
    _, archive = bring_in(committed, records(titles(40)))
    woken: list[bool] = []

    more = make_worker(committed).run(
        60.0, on_work=lambda: woken.append(True), is_wanted=lambda: True
    )

    assert more
    assert woken == [True]
    with committed.begin() as session:
        (embedding,) = archive_units.progress(session, archive.id)
    assert (embedding.units, embedding.units_done) == (4, 1)


def test_a_search_that_gives_way_again_and_again_finds_the_same_pairs(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (blocks, products):
        monkeypatch.setattr(module, "SLAB", 16)
    wanted = titles(150)
    _, archive = bring_in(committed, records(wanted))
    worker = make_worker(committed)

    while worker.run(60.0, is_wanted=lambda: True):
        pass

    assert named(found(committed)) == expected(wanted)
    with committed.begin() as session:
        told = {one.stage: one for one in archive_units.progress(session, archive.id)}
    search = told[Stage.SEARCH]
    assert search.units > 3
    assert search.size_done == search.size


def test_two_workers_share_an_archive_without_doubling(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = titles(200)
    bring_in(committed, records(wanted))
    monkeypatch.setattr("worker.archives.stages.plan.EMBED_STEP", 10)
    encoders = [WordEncoder(), WordEncoder()]
    workers = [make_worker(committed, encoder) for encoder in encoders]
    deadline = time.monotonic() + 60

    def work(worker: ArchiveWorker) -> None:
        while time.monotonic() < deadline:
            worker.run(1.0)
            with committed.begin() as session:
                if not archive_units.active(session):
                    return

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert named(found(committed)) == expected(wanted)
    assert all(encoder.calls for encoder in encoders)
    with committed.begin() as session:
        attempts = session.execute(select(func.max(ArchiveUnit.attempts))).scalar_one()
    assert attempts == 1
    assert count(committed, Event) == count(committed, Pair)


def test_a_live_question_and_an_archived_one_find_each_other(committed: Factory) -> None:
    with committed.begin() as session:
        forum = make_forum(session)
        save_questions(session, forum, "How do I change my password here?")
    worker = make_worker(committed)
    bring_in(committed, records(["How can I change my password here?"]), forum="cooks")
    with committed.begin() as session:  # the live worker has embedded it, and found nothing yet
        session.execute(update(Job).values(lane=Lane.LIVE))
    drain(committed)
    mine(worker)

    assert named(found(committed)) == {("1", "q1")}
