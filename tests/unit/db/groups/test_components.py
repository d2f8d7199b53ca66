"""Connected components and bridges, against a walk along the edges."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from db.groups.components import bridges, components

Edge = tuple[int, int]

NODES = range(9)
EDGES = st.lists(st.sampled_from(list(combinations(NODES, 2))), unique=True, max_size=16)


def reached(start: int, edges: list[Edge]) -> set[int]:
    seen, open_ = {start}, [start]
    while open_:
        node = open_.pop()
        beside = {end for edge in edges if node in edge for end in edge} - seen
        seen |= beside
        open_ += beside
    return seen


@given(EDGES)
def test_each_node_is_with_those_that_it_reaches_and_nowhere_else(edges: list[Edge]) -> None:
    found = components(NODES, edges)

    assert sorted(node for part in found for node in part) == list(NODES)
    assert all(part == reached(node, edges) for part in found for node in part)


@given(EDGES, st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_direction_of_edges_matters(
    edges: list[Edge], chance: object
) -> None:
    turned = [edge[::-1] for edge in edges]
    chance.shuffle(turned)  # type: ignore[attr-defined]

    assert set(components(NODES, turned)) == set(components(NODES, edges))


@given(EDGES)
def test_an_edge_is_a_bridge_when_nothing_else_joins_its_ends(edges: list[Edge]) -> None:
    alone = {
        edge
        for edge in edges
        if edge[1] not in reached(edge[0], [other for other in edges if other != edge])
    }

    assert bridges(NODES, edges) == alone
