"""Redirects: each question of a group, and the canonical one it leads to; in pages."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """A question of a group, and the canonical question that it leads to."""

    question_id: int
    """The id in the database: the next page begins after it."""
    id: str
    canonical_id: str
    url: str | None
    canonical_url: str | None
    title: str
    canonical_title: str
    score: float
    """The score of the pair that connects them: 1 if only people decided."""
    decided_by: str
    group_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A question of a group."""

    question_id: int
    group_id: int
    id: str
    title: str
    url: str | None
    is_canonical: bool
    size: int


_REDIRECTS = """
    SELECT o.id AS question_id, o.external_id AS id, c.external_id AS canonical_id, o.url,
        c.url AS canonical_url, o.title, c.title AS canonical_title, g.id AS group_id,
        p.score, coalesce(p.decided_by, '') AS decided_by
    FROM group_members m JOIN groups g ON g.id = m.group_id AND g.forum_id = :forum
    JOIN questions o ON o.id = m.question_id JOIN questions c ON c.id = g.canonical_id
    CROSS JOIN LATERAL (
        SELECT score, decided_by FROM pairs
        WHERE (low_id = o.id OR high_id = o.id) AND status = 'duplicate'
        ORDER BY (low_id = c.id OR high_id = c.id) DESC, score DESC LIMIT 1
    ) p
    WHERE o.id <> c.id AND o.id > :after AND c.visible ORDER BY o.id LIMIT :limit
"""
_MEMBERS = """
    SELECT o.id AS question_id, g.id AS group_id, o.external_id AS id, o.title, o.url,
        o.id = g.canonical_id AS is_canonical,
        (SELECT count(*) FROM group_members s WHERE s.group_id = g.id) AS size
    FROM groups g JOIN group_members m ON m.group_id = g.id JOIN questions o ON o.id = m.question_id
    WHERE g.forum_id = :forum AND (g.id, o.id) > (:group, :after)
    ORDER BY g.id, o.id LIMIT :limit
"""


def redirects(session: Session, forum_id: int, *, after: int = 0, limit: int) -> list[Redirect]:
    """Return the redirects to visible canonical questions, those after the id *after*."""
    given = {"forum": forum_id, "after": after, "limit": limit}
    return [Redirect(**row) for row in session.execute(text(_REDIRECTS), given).mappings()]


def members(
    session: Session, forum_id: int, *, after: tuple[int, int] = (0, 0), limit: int
) -> list[Member]:
    """Return the questions of all groups, group by group, after *after*: group and question."""
    given = {"forum": forum_id, "group": after[0], "after": after[1], "limit": limit}
    return [Member(**row) for row in session.execute(text(_MEMBERS), given).mappings()]
