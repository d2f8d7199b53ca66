"""Actions, and the service's own decisions: computed from people's decisions and scores."""

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


def tell_rising(sessions: Sessions) -> None:
    """Report questions that many ask now, in each forum where something was flagged lately."""
    with sessions.begin() as session:
        found = forums.list_forums(session)
    for forum in found:
        with sessions.begin() as session:
            told = rising.tell(session, forum.id, rising.rising(session, forum.id))
        if told:
            log.info("groups.rising", forum_id=forum.id, groups=told)


def prove_again(sessions: Sessions) -> None:
    """Compute again from which score decisions prove what each forum wants."""
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
    """Put a ladder in force and return the forum; raises `ForumNotFoundError`.

    Where nothing is proved yet, the service decides nothing, and looks again every hour.
    """
    forum = forums.lock(session, name)
    threshold = certify(session, forum, wanted.wanted_precision)
    return ladder.choose(session, forum, wanted, act_threshold=threshold, actor=actor)
