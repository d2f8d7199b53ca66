"""Decisions of the service itself, on pairs whose score is proved to be high enough."""

from sqlalchemy import Select, cast, exists, or_, select
from sqlalchemy.orm import Session, aliased

from db.deciding import decisions
from db.deciding.bulk import Joined
from db.deciding.decisions import Choice, StaleVersionError, UndoneAlreadyError
from db.groups import groups
from db.rows import SERVICE, PairKind, PairStatus
from db.tables.actions import Veto
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tables.review import Claim, Decision

AT_ONCE = 200


def confirm(session: Session, forum_id: int, *, from_score: float) -> int:
    """Confirm flagged pairs at or above *from_score* as the service, and return how many.

    People keep the pairs that somebody has decided before or is looking at, those of a question
    with a veto, and those that would join two groups.
    """
    groups.lock(session, forum_id)
    ripe = session.execute(_ripe(forum_id, from_score)).scalars()
    found = decisions.lock_pairs(session, forum_id, ripe)
    joined = Joined(session, found)
    first = sorted(found, key=lambda pair: (-pair.score, pair.id))
    choices = [Choice(pair, PairStatus.DUPLICATE) for pair in first if joined.add(pair)]
    decisions.write(session, forum_id, choices, actor=SERVICE)
    ends = {end for choice in choices for end in (choice.pair.low_id, choice.pair.high_id)}
    if ends:
        groups.rebuild(session, forum_id, sorted(ends), actor=SERVICE)
    return len(choices)


def _ripe(forum_id: int, from_score: float) -> Select[int]:
    low, high = aliased(Question), aliased(Question)
    ends = (Pair.low_id, Pair.high_id)
    return (
        select(Pair.id)
        .join(low, low.id == Pair.low_id)
        .join(high, high.id == Pair.high_id)
        .where(
            Pair.forum_id == forum_id,
            Pair.status == PairStatus.FLAGGED,
            Pair.kind.in_((PairKind.MODEL, PairKind.SAME_TEXT)),
            Pair.score >= cast(from_score, Pair.score.type),  # in the precision of the column
            low.visible,
            high.visible,
            ~exists().where(Decision.pair_id == Pair.id),
            ~exists().where(Claim.pair_id == Pair.id),
            ~exists().where(Veto.question_id.in_(ends)),
        )
        .order_by(Pair.score.desc(), Pair.id)
        .limit(AT_ONCE)
    )


def take_back(session: Session, forum_id: int) -> int:
    """Undo the service's decisions about questions with an objection; return how many."""
    groups.lock(session, forum_id)
    found = session.execute(
        select(Decision.id)
        .join(Pair, Pair.id == Decision.pair_id)
        .where(
            Pair.forum_id == forum_id,
            Pair.status == PairStatus.DUPLICATE,
            Pair.decided_by == SERVICE,
            Decision.actor == SERVICE,
            Decision.undoes.is_(None),
            Decision.undone.is_(False),
            or_(
                exists().where(Veto.question_id == Pair.low_id),
                exists().where(Veto.question_id == Pair.high_id),
            ),
        )
        .order_by(Decision.id.desc())
    )
    done = 0
    for decision_id in list(found.scalars()):
        try:
            decisions.undo(session, forum_id, decision_id, actor=SERVICE)
        except (StaleVersionError, UndoneAlreadyError):
            continue
        done += 1
    return done
