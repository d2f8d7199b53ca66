"""Connected components of a graph, and its bridges. Pure."""

from collections.abc import Iterable, Sequence


def components(nodes: Iterable[int], edges: Iterable[tuple[int, int]]) -> list[frozenset[int]]:
    """Return the connected components of a graph, each once."""
    group = {node: {node} for node in nodes}
    for one, other in edges:
        small, large = sorted((group[one], group[other]), key=len)
        if small is not large:
            large |= small
            group.update(dict.fromkeys(small, large))
    return [frozenset(found) for found in {id(g): g for g in group.values()}.values()]


def bridges(nodes: Iterable[int], edges: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the edges without which a component would be split in two."""
    whole = len(components(nodes := list(nodes), edges))
    return {
        edge
        for position, edge in enumerate(edges)
        if len(components(nodes, [*edges[:position], *edges[position + 1 :]])) > whole
    }
