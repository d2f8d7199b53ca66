"""Groups by size and by growth: the forum's real list of frequently asked questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.orm import Session


class Ranking(StrEnum):
    """By what groups are ranked."""

    SIZE = "size"
    GROWTH = "growth"
    """By how many of its questions were asked lately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedGroup:
    """A group with its size and growth."""

    id: int
    canonical_id: int
    canonical_title: str
    canonical_url: str | None
    size: int
    grown: int
    """Questions of it that were asked within the window."""
    to_review: int
    """Flagged pairs that touch the group."""
    last_asked_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which questions count."""

    days: int | None = None
    """Only questions asked within so many days."""
    category: str | None = None
    author: str | None = None


_RANKED = """
    WITH counted AS (
        SELECT g.id, g.canonical_id, g.updated_at, count(*) AS size,
            count(*) FILTER (
                WHERE coalesce(q.asked_at, q.created_at) > now() - make_interval(secs => :window_s)
            ) AS grown,
            max(coalesce(q.asked_at, q.created_at)) AS last_asked_at
        FROM groups AS g
        JOIN group_members AS m ON m.group_id = g.id
        JOIN questions AS q ON q.id = m.question_id
        WHERE g.forum_id = :forum AND q.visible
            AND (CAST(:days AS integer) IS NULL
                OR coalesce(q.asked_at, q.created_at) > now() - make_interval(days => :days))
            AND (CAST(:category AS text) IS NULL OR q.category = :category)
            AND (CAST(:author AS text) IS NULL OR q.author = :author)
        GROUP BY g.id
    )
    SELECT page.*, canonical.title AS canonical_title, canonical.url AS canonical_url,
        (SELECT count(DISTINCT p.id) FROM group_members AS m
            JOIN pairs AS p ON m.question_id IN (p.low_id, p.high_id) AND p.status = 'flagged'
            WHERE m.group_id = page.id) AS to_review
    FROM (
        SELECT * FROM counted WHERE {place}
        ORDER BY {first} DESC, {second} DESC, id DESC LIMIT :limit
    ) AS page
    JOIN questions AS canonical ON canonical.id = page.canonical_id
    ORDER BY {first} DESC, {second} DESC, page.id DESC
"""
_PLACE = "({first}, {second}, id) < (SELECT {first}, {second}, id FROM counted WHERE id = :before)"
_ORDERS: Mapping[Ranking, tuple[str, str]] = {
    Ranking.SIZE: ("size", "grown"),
    Ranking.GROWTH: ("grown", "size"),
}


def ranked(
    session: Session,
    forum_id: int,
    by: Ranking,
    *,
    window_s: float,
    scope: Scope | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[RankedGroup]:
    """Return groups by size or growth, those after the group *before*.

    After a group that does not count, or is another forum's, there is nothing.
    """
    first, second = _ORDERS[by]
    place = _PLACE.format(first=first, second=second) if before is not None else "true"
    scope = scope or Scope()
    found = session.execute(
        text(_RANKED.format(place=place, first=first, second=second)),
        {
            "forum": forum_id,
            "window_s": window_s,
            "days": scope.days,
            "category": scope.category,
            "author": scope.author,
            "limit": limit,
            **({"before": before} if before is not None else {}),
        },
    )
    return [RankedGroup(**row) for row in found.mappings()]
