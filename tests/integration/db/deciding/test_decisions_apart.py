"""What one forum's people decide is nothing to another forum."""

from operator import attrgetter
from typing import ClassVar

from sqlalchemy.orm import Session

from db.deciding import decisions
from db.deciding.decisions import Choice, Verdict
from db.rows import PairStatus
from tests.integration.db.two_forums import Calls, Crossed, TwoForums
from tests.rows.review import version_of


def _verdict(
    session: Session,
    pair_id: int,
    status: PairStatus = PairStatus.DUPLICATE,
    *,
    canonical_id: int | None = None,
) -> Verdict:
    return Verdict(status=status, version=version_of(session, pair_id), canonical_id=canonical_id)


class TestTwoForums(TwoForums):
    module = decisions
    calls: ClassVar[Calls] = {
        "lock_pairs": lambda session, own: decisions.lock_pairs(session, own.id, [own.flagged]),
        "decide": lambda session, own: decisions.decide(
            session, own.id, own.flagged, _verdict(session, own.flagged), actor="Ana"
        ),
        "decide: not the same": lambda session, own: decisions.decide(
            session,
            own.id,
            own.confirmed,
            _verdict(session, own.confirmed, PairStatus.NOT_DUPLICATE),
            actor="Ana",
        ),
        "write": lambda session, own: decisions.write(
            session,
            own.id,
            [Choice(decisions.lock_pairs(session, own.id, [own.alone])[0], PairStatus.RELATED)],
            actor="Ana",
        ),
        "undo": lambda session, own: decisions.undo(
            session, own.id, own.decision, actor="Ana", is_admin=True
        ),
        "get_last_decision": lambda session, own: decisions.get_last_decision(
            session, own.id, own.confirmed
        ),
        "find_last_decision": lambda session, own: decisions.find_last_decision(
            session, own.id, own.confirmed
        ),
    }
    crossed: ClassVar[Crossed] = {
        "lock_pairs": (
            attrgetter("flagged"),
            lambda session, own, thing: decisions.lock_pairs(session, own.id, [thing]),
        ),
        "decide": (
            attrgetter("flagged"),
            lambda session, own, thing: decisions.decide(
                session, own.id, thing, Verdict(status=PairStatus.DUPLICATE, version=1), actor="Ana"
            ),
        ),
        "decide: canonical": (
            attrgetter("question"),
            lambda session, own, thing: decisions.decide(
                session,
                own.id,
                own.flagged,
                _verdict(session, own.flagged, canonical_id=thing),
                actor="Ana",
            ),
        ),
        "undo": (
            attrgetter("decision"),
            lambda session, own, thing: decisions.undo(
                session, own.id, thing, actor="Ana stranger", is_admin=True
            ),
        ),
        "undo: pair": (
            attrgetter("confirmed"),
            lambda session, own, thing: decisions.undo(
                session, own.id, own.decision, actor="Ana", is_admin=True, pair_id=thing
            ),
        ),
        "get_last_decision": (
            attrgetter("confirmed"),
            lambda session, own, thing: decisions.get_last_decision(session, own.id, thing),
        ),
        "find_last_decision": (
            attrgetter("confirmed"),
            lambda session, own, thing: decisions.find_last_decision(session, own.id, thing),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"refuse_stale"})
