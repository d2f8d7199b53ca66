"""Connected components of a graph, and its bridges, in about linear time. Pure.

Bridges are found as by R. E. Tarjan, "A note on finding the bridges of a graph" (1974).
"""

from collections import defaultdict
from collections.abc import Iterable

Edge = tuple[int, int]


def components(nodes: Iterable[int], edges: Iterable[Edge]) -> list[frozenset[int]]:
    """Return the connected components of a graph, each once, that of the lowest node first."""
    group = {node: {node} for node in sorted(nodes)}
    for one, other in edges:
        small, large = sorted((group[one], group[other]), key=len)
        if small is not large:
            large |= small
            group.update(dict.fromkeys(small, large))
    return [frozenset(found) for found in {id(g): g for g in group.values()}.values()]


def bridges(edges: Iterable[Edge]) -> set[Edge]:
    """Return the edges without which a component would be in two parts, the lower node first.

    The same edge in both directions is one edge.
    """
    beside = _beside(edges)
    order: dict[int, int] = {}
    lowest: dict[int, int] = {}
    found: set[Edge] = set()
    for start in beside:
        if start in order:
            continue
        order[start] = lowest[start] = len(order)
        stack = [(start, start, iter(beside[start]))]
        while stack:  # by hand: a chain of thousands is deeper than Python recurses
            node, parent, others = stack[-1]
            other = next(others, None)
            if other is None:
                stack.pop()
                if node != parent:
                    lowest[parent] = min(lowest[parent], lowest[node])
                    if lowest[node] > order[parent]:
                        found.add((min(node, parent), max(node, parent)))
            elif other not in order:
                order[other] = lowest[other] = len(order)
                stack.append((other, node, iter(beside[other])))
            elif other != parent:
                lowest[node] = min(lowest[node], order[other])
    return found


def _beside(edges: Iterable[Edge]) -> dict[int, list[int]]:
    beside: dict[int, list[int]] = defaultdict(list)
    for one, other in edges:
        beside[one].append(other)
        beside[other].append(one)
    return beside
