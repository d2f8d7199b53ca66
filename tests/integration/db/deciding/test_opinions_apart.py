"""Second opinions of one forum are nothing to another."""

from operator import attrgetter
from typing import ClassVar

from sqlalchemy.orm import Session

from db.deciding import opinions
from db.rows import PairStatus
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums


def _answered(session: Session, own: Side) -> int:
    opinions.answer(session, own.id, own.opinion, PairStatus.RELATED, actor="Ben")
    return own.opinion


class TestTwoForums(TwoForums):
    module = opinions
    calls: ClassVar[Calls] = {
        "ask": lambda session, own: opinions.ask(session, own.id, []),
        "get_share": lambda session, own: opinions.get_share(session, own.id),
        "set_share": lambda session, own: opinions.set_share(session, own.id, 0.1),
        "list_asked": lambda session, own: opinions.list_asked(session, own.id, "Ben", limit=9),
        "get_asked": lambda session, own: opinions.get_asked(
            session, own.id, own.opinion, holder="Ben"
        ),
        "answer": lambda session, own: opinions.answer(
            session, own.id, own.opinion, PairStatus.RELATED, actor="Ben"
        ),
        "take_back": lambda session, own: opinions.take_back(
            session, own.id, _answered(session, own), actor="Ben"
        ),
        "list_differing": lambda session, own: (
            _answered(session, own),
            opinions.list_differing(session, own.id, actor="Cid", is_admin=True),
        ),
        "count_differing": lambda session, own: (
            _answered(session, own),
            opinions.count_differing(session, own.id, actor="Cid", is_admin=True),
        ),
        "settle": lambda session, own: opinions.settle(
            session, own.id, _answered(session, own), actor="Cid", is_admin=True
        ),
        "tally": lambda session, own: opinions.tally(session, own.id),
    }
    crossed: ClassVar[Crossed] = {
        "get_asked": (
            attrgetter("opinion"),
            lambda session, own, thing: opinions.get_asked(session, own.id, thing, holder="Ben"),
        ),
        "answer": (
            attrgetter("opinion"),
            lambda session, own, thing: opinions.answer(
                session, own.id, thing, PairStatus.RELATED, actor="Ben"
            ),
        ),
        "take_back": (
            attrgetter("opinion"),
            lambda session, own, thing: opinions.take_back(session, own.id, thing, actor="Ben"),
        ),
        "settle": (
            attrgetter("opinion"),
            lambda session, own, thing: opinions.settle(
                session, own.id, thing, actor="Cid", is_admin=True
            ),
        ),
        "list_asked": (
            attrgetter("opinion"),
            lambda session, own, thing: opinions.list_asked(session, own.id, "Ben", after=thing),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"place"})
