"""Positions in drawings stay inside of them."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.console.rendering.charts import bars, draw_group
from db.groups.groups import GroupDetail, Link, MemberRow
from db.rows import PairStatus

VALUES = st.lists(st.tuples(st.text(max_size=3), st.integers(0, 10**9)), min_size=1, max_size=60)


@given(VALUES, st.floats(100, 2_000), st.floats(10, 500))
def test_bars_stand_side_by_side_on_the_ground_inside_of_the_chart(
    values: list[tuple[str, int]], width: float, height: float
) -> None:
    drawn = bars(values, width=width, height=height, gap=1)

    assert [(bar.label, bar.value) for bar in drawn] == values
    for bar in drawn:
        assert bar.x >= 0
        assert bar.x + bar.width <= width + 0.1
        assert bar.y >= -0.01
        assert abs(bar.y + bar.height - height) < 0.02
    assert all(one.x < other.x for one, other in pairwise(drawn))


@given(VALUES)
def test_a_higher_value_is_never_a_lower_bar(values: list[tuple[str, int]]) -> None:
    drawn = sorted(bars(values, width=100, height=100), key=lambda bar: bar.value)

    assert all(one.height <= other.height for one, other in pairwise(drawn))


def member(number: int) -> MemberRow:
    return MemberRow(
        id=number,
        external_id=str(number),
        title=f"question {number}",
        url=None,
        category=None,
        asked_at=None,
        is_canonical=number == 1,
    )


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 10))
def test_a_group_is_drawn_inside_its_square_with_each_question_apart(
    size: int, limit: int, step: int
) -> None:
    members = [member(number) for number in range(1, size + 1)]
    links = [
        Link(
            pair_id=number,
            low_id=number,
            high_id=number + step,
            score=0.9,
            status=PairStatus.DUPLICATE,
            is_bridge=False,
        )
        for number in range(1, size + 1)
    ]
    group = GroupDetail(id=1, forum_id=1, canonical_id=1, members=members, links=links, flagged=0)

    nodes, edges = draw_group(group, size=320, limit=limit)

    shown = min(size, limit)
    assert [node.number for node in nodes] == list(range(1, shown + 1))
    assert all(0 <= at <= 320 for node in nodes for at in (node.x, node.y))
    assert len({(node.x, node.y) for node in nodes}) == shown
    assert len(edges) == max(0, shown - step)
    for node in nodes[1:]:
        assert math.isclose(math.dist((node.x, node.y), (160, 160)), 132, abs_tol=0.2)
