"""Positions in drawings. Pure; the templates draw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from db.groups.groups import GroupDetail


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """Something with a place in a drawing."""

    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar(_Placed):
    """A bar of a chart, in its coordinates; *x* is its left end, *y* its upper one."""

    width: float
    height: float
    label: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(_Placed):
    """A question in the drawing of its group."""

    number: int
    is_canonical: bool
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A pair in the drawing of its group."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str


def bars(
    values: Sequence[tuple[str, int]], *, width: float, height: float, gap: float = 2
) -> list[Bar]:
    """Return one bar for each value, side by side; the highest is as high as the chart."""
    if not values:
        return []
    most = max(1, *(value for _, value in values))
    step = width / len(values)
    return [
        Bar(
            x=round(place * step, 2),
            y=round(height - height * value / most, 2),
            width=round(step - gap, 2),
            height=round(height * value / most, 2),
            label=label,
            value=value,
        )
        for place, (label, value) in enumerate(values)
    ]


def draw_group(
    group: GroupDetail, *, size: float = 320, limit: int = 24
) -> tuple[list[Node], list[Edge]]:
    """Return a group on a circle with its canonical question in the middle, up to *limit*."""
    members = group.members[:limit]
    middle, radius = size / 2, size / 2 - 28
    places: dict[int, tuple[float, float]] = {}
    for place, member in enumerate(members):
        if place == 0:
            places[member.id] = (middle, middle)
        else:
            angle = 2 * math.pi * (place - 1) / max(1, len(members) - 1) - math.pi / 2
            places[member.id] = (
                round(middle + radius * math.cos(angle), 1),
                round(middle + radius * math.sin(angle), 1),
            )
    nodes = [
        Node(
            x=places[member.id][0],
            y=places[member.id][1],
            number=place + 1,
            is_canonical=member.is_canonical,
            title=member.title,
        )
        for place, member in enumerate(members)
    ]
    edges = [
        Edge(
            x1=places[link.low_id][0],
            y1=places[link.low_id][1],
            x2=places[link.high_id][0],
            y2=places[link.high_id][1],
            kind="bridge" if link.is_bridge else link.status,
        )
        for link in group.links
        if link.low_id in places and link.high_id in places
    ]
    return nodes, edges
