"""Decisions on whole entries of the queue."""

from operator import attrgetter
from typing import ClassVar

from sqlalchemy.orm import Session

from db.deciding import entry_decisions
from db.deciding.entry_decisions import EntryVerdict
from db.rows import PairStatus
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums
from tests.review import version_of


def _verdict(session: Session, own: Side, pair_id: int, *more: int) -> EntryVerdict:
    return EntryVerdict(
        status=PairStatus.DUPLICATE,
        seen={pair_id: version_of(session, pair_id)},
        keep=frozenset({*own.questions, *more}),
    )


class TestTwoForums(TwoForums):
    module = entry_decisions
    calls: ClassVar[Calls] = {
        "decide": lambda session, own: entry_decisions.decide(
            session, own.id, _verdict(session, own, own.flagged), actor="Ana"
        ),
    }
    crossed: ClassVar[Crossed] = {
        "decide": (
            attrgetter("flagged"),
            lambda session, own, thing: entry_decisions.decide(
                session,
                own.id,
                EntryVerdict(status=PairStatus.NOT_DUPLICATE, seen={thing: 1}),
                actor="Ana",
            ),
        ),
        "decide: keep": (
            attrgetter("question"),
            lambda session, own, thing: entry_decisions.decide(
                session, own.id, _verdict(session, own, own.flagged, thing), actor="Ana"
            ),
        ),
    }
