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


@given(st.permutations([3**node for node in NODES]), EDGES, st.randoms(use_true_random=False))
def test_no_order_and_no_direction_matters_and_the_lowest_node_comes_first(
    nodes: list[int], places: list[Edge], chance: object
) -> None:
    edges = [(3**one, 3**other) for one, other in places]
    turned = [edge[::-1] for edge in edges]
    chance.shuffle(turned)  # type: ignore[attr-defined]

    found = components(nodes, turned)

    assert found == components(sorted(nodes), edges) == sorted(found, key=min)


@given(EDGES)
def test_an_edge_is_a_bridge_when_nothing_else_joins_its_ends(edges: list[Edge]) -> None:
    alone = {
        edge
        for edge in edges
        if edge[1] not in reached(edge[0], [other for other in edges if other != edge])
    }

    assert bridges(edges) == alone


@given(EDGES, st.permutations(range(16)), st.lists(st.booleans(), min_size=16, max_size=16))
def test_bridges_do_not_hang_on_the_order_or_direction_of_edges(
    edges: list[Edge], order: list[int], turned: list[bool]
) -> None:
    mixed = [
        edges[place][::-1] if turned[place] else edges[place]
        for place in order
        if place < len(edges)
    ]

    assert bridges(mixed) == bridges(edges)
    assert bridges([*edges, *mixed]) == bridges(edges), "an edge twice is one edge"


def test_a_triangle_has_no_bridge_and_its_tail_is_one() -> None:
    triangle = [(0, 1), (1, 2), (0, 2)]

    assert bridges([*triangle, (2, 3)]) == {(2, 3)}
    assert bridges(triangle) == bridges([]) == set()
    assert bridges(triangle[:2]) == {(0, 1), (1, 2)}


def test_a_long_chain_is_neither_slow_nor_too_deep() -> None:
    chain = [(one, one + 1) for one in range(20_000)]

    assert bridges(chain) == set(chain)
    assert components(range(20_001), chain) == [frozenset(range(20_001))]
