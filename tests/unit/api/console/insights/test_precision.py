"""The precision of each threshold, and where things stand in drawings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.insights.precision import STEPS, at, bands, base, curve, suggest
from api.console.rendering.charts import bars, draw_group
from db.groups.groups import GroupDetail, Link, MemberRow
from db.rows import PairStatus
from tests.rows.records import judged
from worker.scoring.proof import ENOUGH, wilson


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    # Worked out by hand from Wilson's formula, z = 1.959964.
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (8, 10, 0.4902, 0.9433), (0, 0, 0.0, 1.0)],
)
def test_wilsons_interval(right: int, total: int, low: float, high: float) -> None:
    assert wilson(right, total) == pytest.approx((low, high), abs=5e-4)


@given(st.integers(1, 500), st.data())
def test_an_interval_holds_its_share(total: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, total))
    low, high = wilson(right, total)

    assert 0 <= low <= right / total <= high <= 1 or right in {0, total}


def test_the_curve_counts_what_lies_at_or_above_each_threshold() -> None:
    waiting = [0] * STEPS
    waiting[120] = 4
    points = curve(judged((0.5, False), (0.75, True), (1.0, True)), waiting)

    assert [at(points, t).judged for t in (0.0, 0.5, 0.6, 0.75, 0.9)] == [3, 3, 2, 2, 1]
    assert at(points, 0.5).precision == pytest.approx(2 / 3)
    assert [at(points, t).waiting for t in (0.6, 0.61)] == [4, 0]
    assert len(points) == STEPS


def test_a_threshold_is_suggested_only_where_enough_was_judged() -> None:
    some = judged(*((0.9, True) for _ in range(ENOUGH)), *((0.6, False) for _ in range(ENOUGH)))
    points = curve(some, [0] * STEPS)

    found = suggest(points, 0.95, some)

    assert found is not None
    assert 0.6 < found.threshold <= 0.9
    few = some[: ENOUGH - 1]
    assert suggest(curve(few, [0] * STEPS), 0.95, few) is None
    assert suggest(curve([], [0] * STEPS), 0.95, []) is None


def test_nothing_is_suggested_below_what_was_looked_at() -> None:
    right = judged(*((0.7, True) for _ in range(ENOUGH)))

    found = suggest(curve(right, [0] * STEPS), 0.9, right)

    assert found is not None
    assert found.threshold >= 0.7 - 1 / STEPS


def test_the_axis_goes_below_half_only_where_the_curve_does() -> None:
    good = judged(*((0.9, True) for _ in range(ENOUGH)))
    poor = judged(*((0.9, False) for _ in range(ENOUGH)))

    assert base(curve(good, [0] * STEPS)) == 0.5
    assert base(curve(poor, [0] * STEPS)) == 0.0


def test_bands_say_what_was_found_in_each_range() -> None:
    found = bands(judged((0.95, True), (0.93, False), (1.0, True), (0.51, True)))

    assert [(round(b.low, 1), b.right, b.judged) for b in found] == [(0.9, 2, 3), (0.5, 1, 1)]


SCORES = st.one_of(
    st.floats(0, 1), st.integers(0, STEPS).map(lambda place: place / STEPS), st.just(1.0)
)


@given(st.lists(st.tuples(SCORES, st.booleans()), max_size=30))
def test_a_point_counts_exactly_the_pairs_that_its_threshold_would_flag(
    found: list[tuple[float, bool]],
) -> None:
    for point in curve(judged(*found), [0] * STEPS):
        flagged = [right for score, right in found if score >= point.threshold]
        assert (point.judged, point.right) == (len(flagged), sum(flagged))


@given(st.lists(SCORES, min_size=1, max_size=40), st.sampled_from([0.5, 0.9]))
def test_no_threshold_is_suggested_a_step_below_what_was_judged(
    scores: list[float], target: float
) -> None:
    every = judged(*((score, True) for score in scores * ENOUGH))

    found = suggest(curve(every, [0] * STEPS), target, every)

    assert found is not None
    assert found.threshold <= min(scores) < found.threshold + 1.0001 / STEPS or min(scores) == 1
    assert found.judged == len(every)


@given(st.lists(st.tuples(SCORES, st.booleans()), max_size=30))
def test_every_judged_pair_is_in_one_band_whose_ends_hold_it(
    found: list[tuple[float, bool]],
) -> None:
    made = bands(judged(*found))

    assert sum(band.judged for band in made) == len(found)
    assert [band.low for band in made] == sorted((band.low for band in made), reverse=True)
    for band in made:
        top = 1.1 if band.high == 1 else band.high
        inside = [right for score, right in found if band.low <= score < top]
        assert (band.judged, band.right) == (len(inside), sum(inside))


def test_the_highest_bar_is_as_high_as_the_chart() -> None:
    drawn = bars([("a", 2), ("b", 0), ("c", 4)], width=300, height=100, gap=0)

    assert [bar.height for bar in drawn] == [50, 0, 100]
    assert [bar.x for bar in drawn] == [0, 100, 200]
    assert bars([], width=1, height=1) == []


def test_a_group_is_drawn_with_its_canonical_question_in_the_middle() -> None:
    members = [
        MemberRow(
            id=n,
            external_id=str(n),
            title=f"t{n}",
            url=None,
            category=None,
            asked_at=None,
            is_canonical=n == 1,
        )
        for n in range(1, 5)
    ]
    link = Link(
        pair_id=1, low_id=1, high_id=2, score=0.9, status=PairStatus.DUPLICATE, is_bridge=True
    )
    group = GroupDetail(id=1, forum_id=1, canonical_id=1, members=members, links=[link], flagged=0)

    nodes, edges = draw_group(group)

    assert (nodes[0].x, nodes[0].y) == (160, 160)
    assert len({(node.x, node.y) for node in nodes}) == 4
    assert [edge.kind for edge in edges] == ["bridge"]
    assert len(draw_group(group, limit=1)[1]) == 0
