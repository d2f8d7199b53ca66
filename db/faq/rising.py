"""Questions that many ask at this moment, whether moderators have confirmed that or not.

It counts the questions of the forum's window that flagged or confirmed pairs connect, and the
askers who saw one of them and said that it answers them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.groups.components import components
from db.outbox.events import NewEvent, record
from db.rows import SERVICE
from db.tables.pairs import Event
from db.tables.questions import Forum, Question

KIND = "group.rising"
_MOST_PAIRS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rising:
    """A question, and how many have asked it within the window."""

    question_id: int
    external_id: str
    title: str
    url: str | None
    asked: int
    window_h: float


# A forum where nothing happened costs two looks into an index, however many forums there are.
_ACTIVE = text("""
    SELECT f.id FROM forums AS f CROSS JOIN LATERAL (SELECT now() - make_interval(
        secs => LEAST(f.rising_window_h * 3600, :within_s)) AS since) AS w
    WHERE EXISTS (
        SELECT FROM pairs WHERE forum_id = f.id AND status IN ('flagged', 'duplicate')
            AND flagged_at > w.since
    ) OR EXISTS (
        SELECT FROM outcomes WHERE forum_id = f.id AND outcome = 'answered'
            AND created_at > w.since
    ) ORDER BY f.id
""")
# By the time when a pair was flagged, because that has an index: a new question's pair is flagged
# at once.
_CONNECTED = text("""
    SELECT p.low_id, p.high_id FROM pairs AS p
    WHERE p.forum_id = :forum AND p.status IN ('flagged', 'duplicate')
        AND p.flagged_at > now() - make_interval(secs => :window_s)
    ORDER BY p.flagged_at DESC LIMIT :most
""")
_GROUPED = text("""
    SELECT m.question_id, g.canonical_id FROM group_members AS m
    JOIN groups AS g ON g.id = m.group_id WHERE m.question_id = ANY (:ids)
""")
_HELPED = text("""
    SELECT candidate_id, count(DISTINCT check_key) AS askers FROM outcomes
    WHERE forum_id = :forum AND outcome = 'answered'
        AND created_at > now() - make_interval(secs => :window_s)
        AND candidate_id IS NOT NULL GROUP BY candidate_id
""")


def active(session: Session, *, within_s: float = math.inf) -> list[int]:
    """Return the forums in whose window a pair was flagged or an asker was helped.

    With *within_s* only those in which that happened in these seconds.
    """
    return list(session.execute(_ACTIVE, {"within_s": within_s}).scalars())


def rising(session: Session, forum_id: int) -> list[Rising]:
    """Return the questions that enough people ask now, the most asked first."""
    count, window_h = session.execute(
        select(Forum.rising_count, Forum.rising_window_h).where(Forum.id == forum_id)
    ).one()
    window = {"forum": forum_id, "window_s": window_h * 3_600}
    pairs = session.execute(_CONNECTED, window | {"most": _MOST_PAIRS}).all()
    helped = {row.candidate_id: row.askers for row in session.execute(_HELPED, window)}
    edges = [(row.low_id, row.high_id) for row in pairs]
    nodes = {end for edge in edges for end in edge} | set(helped)
    leads = _leads(session, nodes)
    edges += [(one, lead) for one, lead in leads.items() if one != lead]
    rows = _questions(session, nodes | set(leads.values()))
    shown = [edge for edge in edges if edge[0] in rows and edge[1] in rows]
    since = session.execute(select(func.now() - timedelta(hours=window_h))).scalar_one()
    found = [
        _rising(part, rows, leads, helped, since=since, window_h=window_h)
        for part in components(rows, shown)
    ]
    return sorted(
        (one for one in found if one.asked >= count), key=lambda one: (-one.asked, one.question_id)
    )


def _leads(session: Session, ids: set[int]) -> Mapping[int, int]:
    found = session.execute(_GROUPED, {"ids": sorted(ids)})
    return {row.question_id: row.canonical_id for row in found}


@dataclass(frozen=True, slots=True)
class _Asked:
    id: int
    external_id: str
    title: str
    url: str | None
    at: datetime


def _questions(session: Session, ids: set[int]) -> dict[int, _Asked]:
    asked = func.coalesce(Question.asked_at, Question.created_at)
    found = session.execute(
        select(Question.id, Question.external_id, Question.title, Question.url, asked).where(
            Question.id.in_(ids), Question.visible
        )
    )
    return {row[0]: _Asked(*row) for row in found}


def _rising(
    part: frozenset[int],
    rows: Mapping[int, _Asked],
    leads: Mapping[int, int],
    helped: Mapping[int, int],
    *,
    since: datetime,
    window_h: float,
) -> Rising:
    canonical = {leads[one] for one in part if one in leads} & set(part)
    first = min((rows[one] for one in canonical or part), key=lambda row: (row.at, row.id))
    asked = sum(rows[one].at > since for one in part) + sum(helped.get(one, 0) for one in part)
    return Rising(
        question_id=first.id,
        external_id=first.external_id,
        title=first.title,
        url=first.url,
        asked=asked,
        window_h=window_h,
    )


def tell(session: Session, forum_id: int, found: Sequence[Rising]) -> int:
    """Record an event for each rising question, once in a window; return how many were new."""
    if all(_is_recorded(session, one) for one in found):
        return 0
    # Several workers may look at the same moment: the second one sees the first one's events.
    session.execute(select(Forum.id).where(Forum.id == forum_id).with_for_update(key_share=True))
    new = [one for one in found if not _is_recorded(session, one)]
    record(
        session,
        [
            NewEvent(
                forum_id=forum_id,
                kind=KIND,
                actor=SERVICE,
                question_id=one.question_id,
                data={"asked": one.asked, "window_h": one.window_h},
            )
            for one in new
        ],
    )
    return len(new)


def _is_recorded(session: Session, one: Rising) -> bool:
    told = select(Event.id).where(
        Event.question_id == one.question_id,
        Event.kind == KIND,
        Event.created_at > func.now() - timedelta(hours=one.window_h),
    )
    return session.execute(told.limit(1)).first() is not None
