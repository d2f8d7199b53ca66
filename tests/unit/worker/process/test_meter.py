"""What a worker measures is counted once, and kept until Redis has it."""

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from worker.process.meter import KEY, SCORE_BUCKETS, STAGE_BUCKETS, Meter, read

NAMES = st.sampled_from(["pairs", "stage"])
LABELS = st.sampled_from(["same text", "not read", "embed"])
AMOUNTS = st.integers(0, 1_000)


class Pipeline:
    """Redis' pipeline, as far as a meter uses it; *error* is what it meets."""

    def __init__(self, sums: dict[bytes, float], error: Exception | None) -> None:
        self._sums = sums
        self._error = error
        self._asked: list[tuple[str, float]] = []

    def hincrbyfloat(self, key: str, name: str, amount: float) -> None:
        assert key == KEY
        self._asked.append((name, amount))

    def execute(self) -> None:
        if self._error is not None:
            raise self._error
        for name, amount in self._asked:
            self._sums[name.encode()] = self._sums.get(name.encode(), 0.0) + amount


class Client:
    def __init__(self) -> None:
        self.sums: dict[bytes, float] = {}
        self.error: Exception | None = None

    def pipeline(self, *, transaction: bool) -> Pipeline:
        assert transaction
        return Pipeline(self.sums, self.error)

    def hgetall(self, key: str) -> dict[bytes, float]:
        assert key == KEY
        if self.error is not None:
            raise self.error
        return self.sums


@given(st.lists(st.tuples(NAMES, LABELS, AMOUNTS), max_size=20))
def test_counters_are_the_sums_of_what_was_added(added: list[tuple[str, str, int]]) -> None:
    meter = Meter()
    for name, label, amount in added:
        meter.add(name, label, amount)

    taken = meter.take()

    for name, label, _ in added:
        wanted = sum(one for *of, one in added if of == [name, label])
        assert taken[f"{name}|{label}"] == wanted
    assert meter.take() == {}


@given(st.lists(st.floats(0, 60), max_size=30), st.sampled_from([STAGE_BUCKETS, SCORE_BUCKETS]))
def test_each_value_is_in_the_first_range_that_reaches_it(
    values: list[float], buckets: tuple[float, ...]
) -> None:
    meter = Meter()
    for value in values:
        meter.observe("stage", "embed", value, buckets)

    taken = meter.take()

    counts = [taken.get(f"stage_bucket|embed|{end}", 0) for end in (*buckets, "+Inf")]
    assert sum(counts) == len(values)
    assert taken.get("stage_sum|embed", 0.0) == pytest.approx(sum(values))
    for place, end in enumerate(buckets):
        assert sum(counts[: place + 1]) == sum(value <= end for value in values)


def test_scores_are_counted_among_the_pairs() -> None:
    meter = Meter()
    meter.scores([0.0, 0.1, 0.1000001, 1.0])

    assert meter.take() == {
        "score_bucket|pair|0.1": 2,
        "score_bucket|pair|0.2": 1,
        "score_bucket|pair|1.0": 1,
        "score_sum|pair": pytest.approx(1.2000001),
    }


def test_a_stage_is_timed_whether_it_ends_well_or_not() -> None:
    meter = Meter()
    with pytest.raises(KeyError), meter.timed("embed"):
        raise KeyError("title")
    with meter.timed("embed"):
        pass

    taken = meter.take()

    assert sum(count for name, count in taken.items() if "_bucket" in name) == 2
    assert 0 <= taken["stage_sum|embed"] < 30


@given(st.lists(st.lists(st.tuples(NAMES, LABELS, AMOUNTS), max_size=5), max_size=5), st.data())
def test_nothing_is_lost_or_sent_twice_while_redis_comes_and_goes(
    rounds: list[list[tuple[str, str, int]]], data: st.DataObject
) -> None:
    meter, client, plain = Meter(), Client(), Meter()
    for added in rounds:
        for one in added:
            meter.add(*one)
            plain.add(*one)
        is_away = data.draw(st.booleans())
        client.error = redis.ConnectionError() if is_away else None
        has_something = bool(meter._sums)  # noqa: SLF001  # what is not sent yet
        assert meter.send(client) is (not (is_away and has_something))  # type: ignore[arg-type]
    client.error = None
    meter.send(client)  # type: ignore[arg-type]

    wanted = {tuple(name.split("|")): amount for name, amount in plain.take().items()}
    assert read(client) == wanted  # type: ignore[arg-type]


def test_a_bug_in_sending_is_not_taken_for_a_broker_that_is_away() -> None:
    meter, client = Meter(), Client()
    meter.add("pairs", "same text")
    client.error = TypeError("a bug")

    with pytest.raises(TypeError):
        meter.send(client)  # type: ignore[arg-type]


def test_while_redis_is_down_nothing_was_measured() -> None:
    client = Client()
    client.sums = {b"pairs|same text": 3}
    well = read(client)  # type: ignore[arg-type]
    client.error = redis.TimeoutError()

    assert well == {("pairs", "same text"): 3.0}
    assert read(client) == {}  # type: ignore[arg-type]


def test_names_are_read_as_bytes_or_as_text() -> None:
    client = Client()
    client.sums = {"stage_sum|embed": "1.5"}  # type: ignore[dict-item]

    assert read(client) == {("stage_sum", "embed"): 1.5}  # type: ignore[arg-type]
