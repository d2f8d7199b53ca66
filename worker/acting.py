"""Computes actions and the service's own decisions from people's decisions and from scores."""

import math

import structlog
from sqlalchemy.orm import Session

from db.acting import alone, ladder
from db.acting.ladder import Ladder
from db.actions import settling
from db.engine import Sessions
from db.faq import rising
from db.review import insight
from db.rows import Rung
from db.tenants import forums
from db.tenants.rows import ForumRow
from worker.scoring import proof

log = structlog.get_logger()


def settle(sessions: Sessions) -> None:
    """Write the actions of each forum in which something has changed or become due."""
    with sessions.begin() as session:
        waiting = settling.forums_to_settle(session)
    for forum_id in waiting:
        with sessions.begin() as session:
            alone.take_back(session, forum_id)
        settled = settling.AT_ONCE
        while settled == settling.AT_ONCE:
            with sessions.begin() as session:
                settled = settling.settle(session, forum_id)
            log.info("actions.settled", forum_id=forum_id, questions=settled)


def act(sessions: Sessions) -> None:
    """Make the service's own decisions in each forum that allows them."""
    with sessions.begin() as session:
        found = [one for one in forums.list_forums(session) if one.rung is Rung.ACT]
    for forum in found:
        if forum.act_threshold is None or forum.observe_only:
            continue
        with sessions.begin() as session:
            done = alone.confirm(session, forum.id, from_score=forum.act_threshold)
        if done:
            log.info("pairs.confirmed_alone", forum_id=forum.id, pairs=done)


def tell_rising(sessions: Sessions, *, within_s: float = math.inf) -> None:
    """Record an event for each question that many ask now, in every forum.

    With *within_s* only in forums in which something happened in these seconds.
    """
    with sessions.begin() as session:
        active = rising.active(session, within_s=within_s)
    for forum_id in active:
        with sessions.begin() as session:
            recorded = rising.tell(session, forum_id, rising.rising(session, forum_id))
        if recorded:
            log.info("groups.rising", forum_id=forum_id, groups=recorded)


def prove_again(sessions: Sessions) -> None:
    """Compute again the score from which decisions prove the precision that each forum wants."""
    with sessions.begin() as session:
        names = [one.name for one in forums.list_forums(session) if one.rung is Rung.ACT]
    for name in names:
        with sessions.begin() as session:
            forum = forums.lock(session, name)
            threshold = certify(session, forum, forum.wanted_precision)
            forums.update_forum(session, name, act_threshold=threshold)


def certify(session: Session, forum: ForumRow, precision: float) -> float | None:
    """Return the score from which people's decisions prove *precision*, or None."""
    judged = proof.rescale(insight.judged(session, forum.id), forum.calibration)
    return proof.certified(judged, precision)


def choose_ladder(session: Session, name: str, wanted: Ladder, *, actor: str) -> ForumRow:
    """Apply a ladder and return the forum; raises `ForumNotFoundError`.

    While the decisions do not prove the wanted precision, the service decides nothing; this is
    checked again every hour.
    """
    forum = forums.lock(session, name)
    threshold = certify(session, forum, wanted.wanted_precision)
    return ladder.choose(session, forum, wanted, act_threshold=threshold, actor=actor)
