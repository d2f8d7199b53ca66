"""Groups of duplicates from scored pairs: components, protected against chains. Pure.

One wrong pair can join two unrelated groups. Such a pair is a bridge of the graph: without it the
group is in two parts. A group whose weakest link is a bridge between two parts of several questions
is split there. If the bridge links a single question, the group is only marked.
Bridges are found as by R. E. Tarjan, "A note on finding the bridges of a graph" (1974).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class CanonicalRule(StrEnum):
    """Which question of a group is suggested as canonical."""

    OLDEST = "oldest"
    CENTRAL = "central"


@dataclass(frozen=True, slots=True)
class Link:
    """Two questions, by number, and their score."""

    low: int
    high: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Questions that ask the same; ``chained`` if only the weakest link connects one of them."""

    members: Sequence[int]
    canonical: int
    weakest: float
    chained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """All groups, the largest first, and the links that were not followed."""

    groups: Sequence[Group]
    cut: Sequence[Link]


def group(
    links: Iterable[Link],
    *,
    threshold: float,
    age: Mapping[int, object] | None = None,
    rule: CanonicalRule = CanonicalRule.OLDEST,
) -> Grouping:
    """Return the groups that are formed by the links at or above *threshold*.

    *age* gives a sort key for the oldest question; without it the smallest number is the oldest.
    """
    sure = [link for link in links if link.score >= threshold]
    waiting = components(sure)
    weak_points = bridges(sure)  # cutting one leaves the others what they are
    groups: list[Group] = []
    cut: list[Link] = []
    while waiting:
        part = waiting.pop()
        weakest = min(part, key=lambda link: (link.score, link.low, link.high))
        is_bridge = len(part) > 1 and (weakest.low, weakest.high) in weak_points
        sides = _sides(part, weakest) if is_bridge else ()
        if sides and all(sides):
            cut.append(weakest)
            waiting.extend(sides)
        else:
            groups.append(_group(part, weakest, chained=is_bridge, age=age, rule=rule))
    groups.sort(key=lambda one: (-len(one.members), one.members))
    return Grouping(groups=groups, cut=sorted(cut, key=lambda link: (link.low, link.high)))


def components(links: Sequence[Link]) -> list[list[Link]]:
    """Return the links by connected component."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while (up := parent.setdefault(node, node)) != node:
            parent[node] = parent.get(up, up)
            node = up
        return node

    for link in links:
        low, high = root(link.low), root(link.high)
        parent[max(low, high)] = min(low, high)
    found: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        found[root(link.low)].append(link)
    return list(found.values())


def bridges(links: Sequence[Link]) -> set[tuple[int, int]]:
    """Return the pairs without which a component of *links* would be in two parts."""
    near = _neighbours(links)
    order: dict[int, int] = {}
    lowest: dict[int, int] = {}
    found: set[tuple[int, int]] = set()
    for start in near:
        if start in order:
            continue
        order[start] = lowest[start] = len(order)
        stack = [(start, start, iter(near[start]))]
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
                stack.append((other, node, iter(near[other])))
            elif other != parent:
                lowest[node] = min(lowest[node], order[other])
    return found


def _neighbours(links: Iterable[Link]) -> dict[int, list[int]]:
    near: dict[int, list[int]] = defaultdict(list)
    for link in links:
        near[link.low].append(link.high)
        near[link.high].append(link.low)
    return near


def _sides(part: Sequence[Link], bridge: Link) -> tuple[list[Link], list[Link]]:
    others = [link for link in part if link is not bridge]
    near = _neighbours(others)
    reached, stack = {bridge.low}, [bridge.low]
    while stack:
        for other in near.get(stack.pop(), ()):
            if other not in reached:
                reached.add(other)
                stack.append(other)
    return (
        [link for link in others if link.low in reached],
        [link for link in others if link.low not in reached],
    )


def _group(
    part: Sequence[Link],
    weakest: Link,
    *,
    chained: bool,
    age: Mapping[int, object] | None,
    rule: CanonicalRule,
) -> Group:
    members = sorted({end for link in part for end in (link.low, link.high)})
    return Group(
        members=members,
        canonical=suggest_canonical(members, part, age=age, rule=rule),
        weakest=weakest.score,
        chained=chained,
    )


def suggest_canonical(
    members: Sequence[int],
    links: Iterable[Link],
    *,
    age: Mapping[int, object] | None = None,
    rule: CanonicalRule = CanonicalRule.OLDEST,
) -> int:
    """Return the suggested canonical question of *members*: the oldest or the most central."""
    ranks = {one: place for place, one in enumerate(_by_age(members, age))}
    if rule is CanonicalRule.OLDEST:
        return min(members, key=ranks.__getitem__)
    strength: dict[int, float] = defaultdict(float)
    for link in links:
        strength[link.low] += link.score
        strength[link.high] += link.score
    return min(members, key=lambda one: (-strength[one], ranks[one]))


def _by_age(members: Sequence[int], age: Mapping[int, object] | None) -> list[int]:
    known = [one for one in members if age is not None and age.get(one) is not None]
    if age is None or not known:
        return sorted(members)
    # Questions without a date come last.
    dated = sorted(known, key=lambda one: (age[one], one))
    return dated + sorted(set(members) - set(known))
