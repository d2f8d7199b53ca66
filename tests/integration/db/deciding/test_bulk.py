"""Decisions on many pairs at once."""

from operator import attrgetter
from typing import ClassVar

from sqlalchemy.orm import Session

from db.deciding import bulk
from db.deciding.decisions import Verdict, decide
from db.review.queue import QueueFilter
from db.rows import PairStatus
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums
from tests.review import version_of


def _found_group(session: Session, own: Side) -> int:
    verdict = Verdict(status=PairStatus.DUPLICATE, version=version_of(session, own.alone))
    group_id = decide(session, own.id, own.alone, verdict, actor="Ana").group_id
    assert group_id is not None
    return group_id


class TestTwoForums(TwoForums):
    module = bulk
    calls: ClassVar[Calls] = {
        "newest_pair": lambda session, own: bulk.newest_pair(session, own.id),
        "sample": lambda session, own: bulk.sample(session, own.id, QueueFilter(), size=99),
        "decide_all": lambda session, own: bulk.decide_all(
            session, own.id, QueueFilter(), PairStatus.DUPLICATE, actor="Ana", up_to=8_000_000_000
        ),
        "decide_all: not the same": lambda session, own: bulk.decide_all(
            session,
            own.id,
            QueueFilter(status=PairStatus.DUPLICATE),
            PairStatus.NOT_DUPLICATE,
            actor="Ana",
            up_to=8_000_000_000,
        ),
        "undo_all": lambda session, own: bulk.undo_all(
            session, own.id, own.bulk, actor="Ana", is_admin=True
        ),
        "take_out": lambda session, own: bulk.take_out(
            session, own.id, own.group, own.question, actor="Ana"
        ),
        "join": lambda session, own: bulk.join(
            session, own.id, [own.group, _found_group(session, own)], actor="Ana"
        ),
        "ensure_pair": lambda session, own: bulk.ensure_pair(
            session, own.id, own.question, own.questions[5]
        ),
    }
    crossed: ClassVar[Crossed] = {
        "undo_all": (
            attrgetter("bulk"),
            lambda session, own, thing: bulk.undo_all(
                session, own.id, thing, actor="Ana", is_admin=True
            ),
        ),
        "take_out: group": (
            attrgetter("group"),
            lambda session, own, thing: bulk.take_out(
                session, own.id, thing, own.question, actor="Ana"
            ),
        ),
        "take_out: question": (
            attrgetter("question"),
            lambda session, own, thing: bulk.take_out(
                session, own.id, own.group, thing, actor="Ana"
            ),
        ),
        "join: the first": (
            attrgetter("group"),
            lambda session, own, thing: bulk.join(session, own.id, [thing, own.group], actor="Ana"),
        ),
        "join: the second": (
            attrgetter("group"),
            lambda session, own, thing: bulk.join(session, own.id, [own.group, thing], actor="Ana"),
        ),
        "ensure_pair": (
            attrgetter("question"),
            lambda session, own, thing: bulk.ensure_pair(session, own.id, own.question, thing),
        ),
        "sample: of a group": (
            attrgetter("group"),
            lambda session, own, thing: bulk.sample(
                session, own.id, QueueFilter(group_id=thing), size=9
            ),
        ),
        "decide_all: of a group": (
            attrgetter("group"),
            lambda session, own, thing: (
                bulk.decide_all(
                    session,
                    own.id,
                    QueueFilter(group_id=thing),
                    PairStatus.DUPLICATE,
                    actor="Ana",
                    up_to=8_000_000_000,
                ).done
            ),
        ),
    }
