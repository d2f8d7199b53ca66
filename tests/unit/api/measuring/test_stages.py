"""What workers measure, as Prometheus reads it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import Metric

from api.measuring.stages import worker_metrics
from worker.process.meter import SCORE_BUCKETS, STAGE_BUCKETS

ENDS = [*map(str, STAGE_BUCKETS), "+Inf"]
COUNTS = st.dictionaries(st.sampled_from(ENDS), st.integers(0, 50), max_size=len(ENDS))


def family(sums: dict[tuple[str, ...], float], name: str) -> Metric:
    return next(one for one in worker_metrics(sums) if one.name == name)


@given(COUNTS, st.floats(0, 1e6))
def test_each_bucket_holds_what_is_below_its_end(counts: dict[str, int], seconds: float) -> None:
    sums: dict[tuple[str, ...], float] = {
        ("stage_bucket", "embed", end): float(count) for end, count in counts.items()
    }
    sums["stage_sum", "embed"] = seconds

    samples = family(sums, "askedbefore_stage_seconds").samples
    buckets = [one.value for one in samples if one.name.endswith("_bucket")]

    if not counts:
        assert samples == []
        return
    assert len(buckets) == len(ENDS)
    assert all(one <= other for one, other in pairwise(buckets))
    for end, total in zip(ENDS, buckets, strict=True):
        assert total == sum(counts.get(one, 0) for one in ENDS[: ENDS.index(end) + 1])
    values = {one.name.rpartition("_")[2]: one.value for one in samples}
    assert (values["count"], values["sum"]) == (sum(counts.values()), seconds)


def test_stages_and_scores_are_kept_apart() -> None:
    sums: dict[tuple[str, ...], float] = {
        ("stage_bucket", "embed", "0.5"): 2,
        ("score_bucket", "flagged", str(SCORE_BUCKETS[-1])): 3,
        ("pairs", "read"): 7,
        ("pairs", "left"): 1,
        ("something", "newer"): 9,
    }

    stages = family(sums, "askedbefore_stage_seconds").samples
    scores = family(sums, "askedbefore_pair_score").samples
    pairs = family(sums, "askedbefore_pairs_scored").samples

    assert {one.labels["stage"] for one in stages} == {"embed"}
    assert {one.labels["of"] for one in scores} == {"flagged"}
    assert {one.labels["way"]: one.value for one in pairs} == {"read": 7, "left": 1}


def test_before_any_worker_has_measured_there_is_no_sample() -> None:
    assert [one.samples for one in worker_metrics({})] == [[], [], []]
