import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.insights.precision import STEPS, at, bands, base, curve, suggest
from api.console.rendering.charts import bars, draw_group
from db.groups.groups import GroupDetail, Link, MemberRow
from db.review.insight import Judged
from db.rows import PairStatus
from worker.scoring.proof import ENOUGH, wilson


def judged(*found: tuple[float, bool]) -> list[Judged]:
    return [
        Judged(pair_id=n, score=score, is_duplicate=right) for n, (score, right) in enumerate(found)
    ]


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
