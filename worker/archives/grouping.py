"""Makes groups of duplicates from scored pairs: connected components, split at weak bridges. Pure.

One wrong pair can join two unrelated groups. Such a pair is often a bridge: without it the group
falls into two parts. If the weakest link of a group is a bridge, and both parts have several
questions, the group is split there. If the bridge links a single question, the group is only
marked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from db.groups.components import bridges, components


@dataclass(frozen=True, slots=True)
class Link:
    """Two questions, by number, and their score."""

    low: int
    high: int
    score: float

    @property
    def ends(self) -> tuple[int, int]:
        """Return both questions."""
        return self.low, self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Questions that ask the same; ``chained`` if one of them hangs on the weakest link alone."""

    members: Sequence[int]
    canonical: int
    weakest: float
    chained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """All groups, the largest first, and the links at which groups were split."""

    groups: Sequence[Group]
    cut: Sequence[Link]


def group(
    links: Iterable[Link],
    *,
    threshold: float,
    age: Mapping[int, object] | None = None,
) -> Grouping:
    """Return the groups that the links at or above *threshold* form.

    *age* has a sort key for each question, the suggested canonical one first; without it the
    smallest number is suggested.
    """
    sure = [link for link in links if link.score >= threshold]
    waiting = _parts(sure)
    weak_points = bridges(link.ends for link in sure)  # cutting one does not change the others
    groups: list[Group] = []
    cut: list[Link] = []
    while waiting:
        part = waiting.pop()
        weakest = min(part, key=lambda link: (link.score, *link.ends))
        is_bridge = len(part) > 1 and weakest.ends in weak_points
        sides = _sides(part, weakest) if is_bridge else ()
        if sides and all(sides):
            cut.append(weakest)
            waiting.extend(sides)
        else:
            groups.append(_group(part, weakest, chained=is_bridge, age=age))
    groups.sort(key=lambda one: (-len(one.members), one.members))
    return Grouping(groups=groups, cut=sorted(cut, key=lambda link: link.ends))


def _parts(links: Sequence[Link]) -> list[list[Link]]:
    """Return the links by connected component."""
    edges = [link.ends for link in links]
    joined = components(_nodes(links), edges)
    place = {node: position for position, part in enumerate(joined) for node in part}
    found: list[list[Link]] = [[] for _ in joined]
    for link in links:
        found[place[link.low]].append(link)
    return found


def _nodes(links: Iterable[Link]) -> set[int]:
    return {node for link in links for node in link.ends}


def _sides(part: Sequence[Link], bridge: Link) -> tuple[list[Link], list[Link]]:
    """Return the links of *part* on the side of the bridge's low question, and the others."""
    others = [link for link in part if link is not bridge]
    joined = components(_nodes(part), [link.ends for link in others])
    low_side = next(side for side in joined if bridge.low in side)
    return (
        [link for link in others if link.low in low_side],
        [link for link in others if link.low not in low_side],
    )


def _group(
    part: Sequence[Link],
    weakest: Link,
    *,
    chained: bool,
    age: Mapping[int, object] | None,
) -> Group:
    members = sorted(_nodes(part))
    return Group(
        members=members,
        canonical=_by_age(members, age)[0],
        weakest=weakest.score,
        chained=chained,
    )


def _by_age(members: Sequence[int], age: Mapping[int, object] | None) -> list[int]:
    known = [one for one in members if age is not None and age.get(one) is not None]
    if age is None or not known:
        return sorted(members)
    # Questions without a date come last.
    dated = sorted(known, key=lambda one: (age[one], one))
    return dated + sorted(set(members) - set(known))
