"""Vectors in memory: whatever was committed before a search is seen by it, and nothing else."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session, sessionmaker

from db.errors import TransientError
from db.questions import questions, saving
from db.tables.questions import VectorHead
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.vectors import changes, embeddings, models, partitions
from db.vectors.rows import ModelKind, ModelRow, NewEmbedding
from db.work.rows import Lane
from tests.rows.factories import make_forum, new_question
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching import index
from worker.matching import memory as memory_module
from worker.matching.index import VectorIndex
from worker.matching.matcher import Matcher
from worker.matching.memory import ROW_BYTES, VectorMemory
from worker.matching.near import Near
from worker.matching.search import Searcher
from worker.scoring.calibration import Calibration
from worker.scoring.fusion import Fusion
from worker.scoring.gate import Gate

Factory = sessionmaker[Session]
DIMENSION = 8
CALIBRATION = Calibration(cosine_floor=0.5)
MATCHER = Matcher.of(WordEncoder(), WordReranker(CALIBRATION))


@pytest.fixture
def model(session: Session) -> ModelRow:
    return make_model(session, "tiny-1")


@pytest.fixture
def forum(session: Session) -> ForumRow:
    return make_forum(session)


@pytest.fixture
def memory() -> VectorMemory:
    return VectorMemory(1 << 20)


def make_model(session: Session, digest: str) -> ModelRow:
    made = models.ensure_model(
        session, kind=ModelKind.BI_ENCODER, name=digest, digest=digest, dimension=DIMENSION
    )
    partitions.ensure_partition(session, made, with_index=False)
    return made


def direction(*numbers: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    vector = np.zeros(DIMENSION, np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


NORTH, NEARLY_NORTH, EAST = direction(1), direction(1, 0.1), direction(0, 0, 1)


def store(
    session: Session,
    forum: ForumRow,
    model: ModelRow,
    vectors: Sequence[np.ndarray[tuple[int], np.dtype[np.float32]]],
    *,
    first: int = 1,
) -> list[int]:
    items = [new_question(f"t{n}", external_id=str(first + n)) for n in range(len(vectors))]
    saved = saving.save(session, forum, items, lane=Lane.LIVE)
    rows = [
        NewEmbedding(question_id=one.id, forum_id=forum.id, text_digest=b"x", vector=vector)
        for one, vector in zip(saved, vectors, strict=True)
    ]
    embeddings.save(session, model.id, rows)
    return [one.id for one in saved]


def search(
    session: Session,
    memory: VectorMemory,
    model: ModelRow,
    forum: ForumRow,
    matcher: Matcher = MATCHER,
) -> list[int]:
    searcher = Searcher(memory, model, limit=100)
    index = searcher.index(session, forum)
    found = searcher.nearest_to_vector(session, forum, NORTH, index=index, matcher=matcher)
    return [one.id for one in found.near[0]]


def test_a_gate_leaves_out_what_it_knows_for_no_duplicate(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow
) -> None:
    same, further = store(session, forum, model, [NORTH, direction(1, 0.5)])
    matrix = np.zeros((DIMENSION, 1), np.float32)
    column = np.ones(1, np.float32)
    gate = Gate(
        bi_encoder=WordEncoder.digest,
        threshold=0.0,
        floor=0.1,
        bar=0.9,  # of 1 less the sum of the differences
        product=matrix,
        difference=matrix - 1,
        total=matrix,
        bias=column,
        out=column,
    )
    gated = Matcher.of(WordEncoder(), WordReranker(CALIBRATION, gate))
    ids = [same, further]

    assert search(session, memory, model, forum) == ids
    assert search(session, memory, model, forum, matcher=gated) == [same]
    found = Searcher(memory, model, limit=9).nearest(session, forum, ids, matcher=gated)
    assert {one: len(near) for one, near in found.near.items()} == {same: 0, further: 0}


def test_what_is_written_is_found_by_the_next_search(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow
) -> None:
    assert search(session, memory, model, forum) == []
    (one,) = store(session, forum, model, [NEARLY_NORTH])
    assert search(session, memory, model, forum) == [one]
    (other,) = store(session, forum, model, [NORTH], first=2)

    assert search(session, memory, model, forum) == [other, one]


def test_a_vector_that_changes_is_found_where_it_is_now(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow
) -> None:
    one, other = store(session, forum, model, [NORTH, EAST])
    assert search(session, memory, model, forum) == [one]

    store(session, forum, model, [EAST, NEARLY_NORTH])

    assert search(session, memory, model, forum) == [other]


def test_a_hidden_question_leaves_the_search_and_comes_back(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow
) -> None:
    (one,) = store(session, forum, model, [NORTH])
    found = [search(session, memory, model, forum)]
    for visible in (False, True):
        item = new_question("t0", external_id="1", visible=visible)
        saving.save(session, forum, [item], lane=Lane.LIVE)
        found.append(search(session, memory, model, forum))

    assert found == [[one], [], [one]]


@pytest.mark.parametrize("settled", [False, True])
def test_the_vector_of_an_erased_question_is_gone_from_memory(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow, settled: bool
) -> None:
    erased, kept = store(session, forum, model, [NORTH, NEARLY_NORTH])
    assert search(session, memory, model, forum) == [erased, kept]
    held = memory.fresh(session, model, forum.id)
    assert held is not None
    held.settle(at_once=settled)
    questions.erase(session, forum.id, "1", actor="test")

    assert search(session, memory, model, forum) == [kept]
    assert bytes_of(held, erased) == 0
    assert bytes_of(held, kept) > 0


def bytes_of(held: VectorIndex, question_id: int) -> int:
    """Return how many bytes of a question's vector are left."""
    places = [rows.codes[rows.ids == question_id] for rows in (held._base, held._tail)]  # noqa: SLF001
    return sum(int(np.count_nonzero(part)) for part in places)


def crowd_and_strangers(count: int = 40) -> list[np.ndarray[tuple[int], np.dtype[np.float32]]]:
    random = np.random.default_rng(5)
    crowd = [direction(1, *random.normal(scale=0.1, size=6)) for _ in range(count)]
    return [*crowd, *(direction(*random.normal(size=DIMENSION)) for _ in range(count))]


def test_a_forum_is_denser_in_a_crowd_than_around_strangers(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow
) -> None:
    ids = store(session, forum, model, crowd_and_strangers())
    unknown, asked = max(ids) + 1, 0
    memory.fresh(session, model, forum.id)

    told = memory.densities(model, forum.id, np.array([*ids, unknown, asked]), {asked: NORTH})

    assert told is not None
    assert told[:40].min() > told[40:80].mean()
    assert np.isnan(told[80])
    assert told[81] > told[:40].min()


def test_a_forum_that_is_small_or_not_held_tells_no_density(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow
) -> None:
    ids = np.array(store(session, forum, model, [NORTH, EAST]))
    assert memory.densities(model, forum.id, ids, {}) is None
    memory.fresh(session, model, forum.id)

    assert memory.densities(model, forum.id, ids, {}) is None


def test_the_vector_of_an_erased_question_leaves_the_sample_of_its_forum(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow
) -> None:
    _erased, *kept = store(
        session, forum, model, [NORTH, *crowd_and_strangers()[40:], *[EAST] * 30]
    )
    memory.fresh(session, model, forum.id)
    before = memory.densities(model, forum.id, np.array(kept), {})
    questions.erase(session, forum.id, "1", actor="test")
    memory.fresh(session, model, forum.id)

    assert [held.around for held in memory._held.values()] == [None]  # noqa: SLF001
    after = memory.densities(model, forum.id, np.array(kept), {})
    assert before is not None
    assert after is not None
    assert (before != after).any()


@pytest.mark.parametrize(
    ("weight", "days", "is_told"), [(9.0, None, True), (0.0, None, False), (9.0, 30, False)]
)
def test_pairs_are_told_how_dense_their_forum_is_where_that_counts(
    session: Session,
    memory: VectorMemory,
    model: ModelRow,
    forum: ForumRow,
    *,
    weight: float,
    days: int | None,
    is_told: bool,
) -> None:
    forum = forums.update_forum(session, forum.name, search_days=days)
    one, other, *_ = store(session, forum, model, crowd_and_strangers())
    careful = replace(CALIBRATION, logit_only=Fusion(density=weight))
    matcher = Matcher.of(WordEncoder(), WordReranker(careful))
    searcher = Searcher(memory, model, limit=9)
    near = Near(np.array([one, 0]), np.array([other, one]), np.ones(2))
    memory.fresh(session, model, forum.id)

    found = searcher.surrounded(forum, near, matcher=matcher)

    assert (found.density is not None) == is_told
    if found.density is not None:
        assert found.density[0] != 0
        assert found.density[1] == 0  # whose vector nobody knows


def test_another_model_and_another_forum_have_vectors_of_their_own(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow
) -> None:
    other_model, other_forum = make_model(session, "tiny-2"), make_forum(session, "bakers")
    (one,) = store(session, forum, model, [NORTH])
    (other,) = store(session, other_forum, model, [NORTH])

    assert search(session, memory, model, forum) == [one]
    assert search(session, memory, model, other_forum) == [other]
    assert search(session, memory, other_model, forum) == []


def test_changes_that_are_forgotten_make_it_read_everything_anew(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow
) -> None:
    (one,) = store(session, forum, model, [NORTH])
    assert search(session, memory, model, forum) == [one]
    questions.erase(session, forum.id, "1", actor="test")
    (other,) = store(session, forum, model, [NEARLY_NORTH], first=2)
    for _ in range(2):
        changes.forget(session)
    assert session.execute(text("SELECT count(*) FROM vector_changes")).scalar_one() == 0

    assert search(session, memory, model, forum) == [other]


def test_a_database_that_is_older_than_the_memory_is_read_anew(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow
) -> None:
    (one,) = store(session, forum, model, [NORTH])
    for _ in range(3):
        store(session, forum, model, [NORTH])
    assert search(session, memory, model, forum) == [one]
    questions.erase(session, forum.id, "1", actor="test")

    session.execute(update(VectorHead).values(version=1))  # as after a restore

    assert search(session, memory, model, forum) == []


def test_a_forum_that_does_not_fit_is_searched_in_the_database(
    session: Session, model: ModelRow, forum: ForumRow
) -> None:
    one, other = store(session, forum, model, [NORTH, NEARLY_NORTH])
    memory = VectorMemory(40)

    assert memory.fresh(session, model, forum.id) is None
    assert search(session, memory, model, forum) == [one, other]


def test_a_reading_that_is_broken_off_is_begun_anew(
    session: Session,
    memory: VectorMemory,
    model: ModelRow,
    forum: ForumRow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (one,) = store(session, forum, model, [NORTH])
    assert search(session, memory, model, forum) == [one]
    (other,) = store(session, forum, model, [NEARLY_NORTH], first=2)

    def strike(*_: object, **__: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(VectorIndex, "settle", strike)
        for _ in range(2):  # while it catches up, and while it reads everything
            with pytest.raises(TimeoutError):
                search(session, memory, model, forum)

    assert search(session, memory, model, forum) == [one, other]


def test_a_worker_that_starts_reads_the_forums_that_fit(
    session: Session, model: ModelRow, forum: ForumRow
) -> None:
    store(session, forum, model, [NORTH, EAST, NEARLY_NORTH])
    small = make_forum(session, "bakers")
    (one,) = store(session, small, model, [NORTH])
    memory = VectorMemory(2 * (DIMENSION + ROW_BYTES))

    memory.warm(session, model)

    held = memory.fresh(session, model, small.id)
    assert held is not None
    assert len(held) == 1
    assert memory.fresh(session, model, forum.id) is None
    assert search(session, memory, model, small) == [one]


def test_two_racing_writers_find_each_other(committed: Factory) -> None:
    with committed.begin() as session:
        model, forum = make_model(session, "tiny-1"), make_forum(session)
    memories = [VectorMemory(1 << 20) for _ in range(2)]
    for memory in memories:
        with committed.begin() as session:
            assert search(session, memory, model, forum) == []
    with committed.begin() as early:  # has changed vectors, and has not committed yet
        (first,) = store(early, forum, model, [NORTH])
        with committed.begin() as session:
            assert search(session, memories[0], model, forum) == []
    with committed.begin() as session:
        (second,) = store(session, forum, model, [NEARLY_NORTH], first=2)

    for memory in memories:
        with committed.begin() as session:
            assert search(session, memory, model, forum) == [first, second]


@dataclass
class Reading:
    """Lets the threads that read a large forum go on, or fail."""

    may_go: Event = field(default_factory=Event)
    error: Exception | None = None
    begun: int = 0

    def read_all(self, *given: Any) -> None:
        self.begun += 1
        assert self.may_go.wait(10)
        if self.error is not None:
            raise self.error
        READ_ALL(*given)


READ_ALL = changes.read_all


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    """Let every forum be large."""
    held = Reading()
    monkeypatch.setattr(memory_module, "AT_ONCE", 1)
    monkeypatch.setattr(changes, "read_all", held.read_all)
    return held


def settled(memory: VectorMemory) -> None:
    """Wait until no thread reads a forum."""
    for thread in threading.enumerate():
        if thread.name.startswith("vectors"):
            thread.join(10)
    assert not memory._coming  # noqa: SLF001


def test_while_a_thread_reads_a_large_forum_every_search_finds_what_is_committed(
    committed: Factory, reading: Reading
) -> None:
    with committed.begin() as session:
        model, forum = make_model(session, "tiny-1"), make_forum(session)
        ids = store(session, forum, model, [NORTH, EAST, NEARLY_NORTH])
    memory = VectorMemory(1 << 20, sessions=committed)
    found = []
    with committed.begin() as session:
        found.append(search(session, memory, model, forum))
    with committed.begin() as session:
        ids += store(session, forum, model, [NORTH], first=9)
        questions.erase(session, forum.id, "1", actor="test")
    with committed.begin() as session:
        found.append(search(session, memory, model, forum))
        is_there = memory.fresh(session, model, forum.id) is not None
    reading.may_go.set()
    settled(memory)
    with committed.begin() as session:
        found.append(search(session, memory, model, forum))
        held = memory.fresh(session, model, forum.id)

    assert found == [[ids[0], ids[2]], [ids[3], ids[2]], [ids[3], ids[2]]]
    assert (is_there, reading.begun) == (False, 1)
    assert held is not None
    assert len(held) == 3


def test_a_reading_that_fails_is_begun_again_by_the_next_search(
    committed: Factory, reading: Reading
) -> None:
    with committed.begin() as session:
        model, forum = make_model(session, "tiny-1"), make_forum(session)
        ids = store(session, forum, model, [NORTH, EAST, NEARLY_NORTH])
    memory = VectorMemory(1 << 20, sessions=committed)
    reading.may_go.set()
    for reading.error in (TransientError("the database hangs"), None):
        with committed.begin() as session:
            found = search(session, memory, model, forum)
        settled(memory)
    with committed.begin() as session:
        held = memory.fresh(session, model, forum.id)

    assert found == [ids[0], ids[2]]
    assert (held is not None, reading.begun) == (True, 2)


def test_density_is_the_same_while_a_large_forum_is_read(
    committed: Factory, reading: Reading
) -> None:
    with committed.begin() as session:
        model, forum = make_model(session, "tiny-1"), make_forum(session)
        ids = np.array(store(session, forum, model, crowd_and_strangers()))
    memory = VectorMemory(1 << 20, sessions=committed)
    with committed.begin() as session:
        search(session, memory, model, forum)
    before = memory.densities(model, forum.id, np.append(ids, 0), {0: NORTH})
    reading.may_go.set()
    settled(memory)
    after = memory.densities(model, forum.id, np.append(ids, 0), {0: NORTH})

    assert before is not None
    assert after is not None
    np.testing.assert_allclose(before, after, atol=0.01)


def test_an_erased_question_leaves_the_sample_of_a_forum_that_is_read(
    committed: Factory, reading: Reading
) -> None:
    with committed.begin() as session:
        model, forum = make_model(session, "tiny-1"), make_forum(session)
        ids = store(session, forum, model, crowd_and_strangers())
    memory = VectorMemory(1 << 20, sessions=committed)
    with committed.begin() as session:
        search(session, memory, model, forum)
    with committed.begin() as session:
        questions.erase(session, forum.id, "1", actor="test")
    with committed.begin() as session:
        search(session, memory, model, forum)

    assert memory.densities(model, forum.id, np.array(ids), {}) is None
    reading.may_go.set()
    settled(memory)


def test_a_worker_that_starts_does_not_wait_for_a_large_forum(
    committed: Factory, reading: Reading
) -> None:
    with committed.begin() as session:
        model, large, small = (
            make_model(session, "tiny-1"),
            make_forum(session),
            make_forum(session, "bakers"),
        )
        store(session, large, model, [NORTH, EAST, NEARLY_NORTH])
        store(session, small, model, [NORTH])
    memory = VectorMemory(3 * (DIMENSION + ROW_BYTES), sessions=committed)

    with committed.begin() as session:
        memory.warm(session, model)
        is_there = memory.fresh(session, model, large.id) is not None
    reading.may_go.set()
    settled(memory)

    assert not is_there
    assert list(memory._held) == [(model.id, large.id)]  # noqa: SLF001  # the other has no room


def test_no_search_waits_until_vectors_are_in_clusters(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go, settle = threading.Event(), VectorIndex.settle
    ended: list[bool] = []

    def patient(held: VectorIndex, *, at_once: bool = False) -> None:
        assert may_go.wait(10)
        settle(held, at_once=at_once)
        ended.append(at_once)

    with committed.begin() as session:
        model, forum = make_model(session, "tiny-1"), make_forum(session)
        ids = store(session, forum, model, [NORTH, EAST, NEARLY_NORTH])
    monkeypatch.setattr(memory_module, "EXACT", 1)
    monkeypatch.setattr(VectorIndex, "settle", patient)
    memory = VectorMemory(1 << 20, sessions=committed)
    with committed.begin() as session:
        before = search(session, memory, model, forum)
    may_go.set()
    settled(memory)
    with committed.begin() as session:
        after = search(session, memory, model, forum)

    assert before == after == [ids[0], ids[2]]
    assert ended == [True]  # all were put into clusters, once


@pytest.fixture
def small_clusters() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "EXACT", 300)
        patch.setattr(index, "COMPARED", 300)
        yield


@pytest.mark.usefixtures("small_clusters")
def test_clusters_find_nearly_everything_and_what_came_last_always() -> None:
    random = np.random.default_rng(3)
    centres = random.normal(size=(40, 32))
    vectors = centres[random.integers(40, size=2_000)] + 0.4 * random.normal(size=(2_000, 32))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    held = VectorIndex(32)
    held.add(np.arange(1_900), vectors[:1_900])
    held.settle(at_once=True)
    held.add(np.arange(1_900, 2_000), vectors[1_900:])

    found = held.search(vectors[:50], floor=0.9, limit=2_000)

    exact = vectors[:50] @ vectors.T
    wanted = set(zip(*(side.tolist() for side in np.nonzero(exact >= 0.905)), strict=True))
    got = set(zip(found.asked.tolist(), found.ids.tolist(), strict=True))
    assert {pair for pair in wanted if pair[1] >= 1_900} <= got
    assert len(wanted & got) >= 0.97 * len(wanted)
    np.testing.assert_allclose(found.cosines, exact[found.asked, found.ids], atol=0.01)


@pytest.mark.usefixtures("small_clusters")
def test_an_index_gives_the_nearest_first_and_no_more_than_wanted() -> None:
    held = VectorIndex(2)
    angles = np.linspace(0, 1, 400)
    held.put(np.arange(400), np.stack((np.cos(angles), np.sin(angles)), axis=1))
    held.settle(at_once=True)
    held.put(np.array([7]), np.array([[1.0, 0.0]]))

    found = held.search(np.array([[1.0, 0.0]], np.float32), floor=0.0, limit=3)

    assert len(held) == 400
    assert set(found.ids.tolist()) == {0, 1, 7}


@pytest.mark.parametrize("count", [2, 9])
def test_the_texts_of_a_few_come_with_their_cosines(
    session: Session, memory: VectorMemory, model: ModelRow, forum: ForumRow, count: int
) -> None:
    ids = store(session, forum, model, [NORTH] * count)

    found = Searcher(memory, model, limit=99).nearest(session, forum, ids, matcher=MATCHER)

    assert {one: len(near) for one, near in found.near.items()} == dict.fromkeys(ids, count - 1)
    assert set(found.texts) == (set(ids) if count == 2 else set())
