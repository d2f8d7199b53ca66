"""The ledger of one forum's archive is nothing to another's."""

from typing import ClassVar

from sqlalchemy.orm import Session

from db.archives import archives, results, units
from db.archives.archives import Stage
from db.archives.units import NewUnit, Unit
from tests.integration.db.two_forums import Calls, Side, TwoForums


def _running(session: Session, own: Side) -> int:
    archives.restage(session, own.archive, Stage.SEARCH)
    return own.archive


def _claim(session: Session, own: Side) -> Unit:
    unit = units.claim(session, _running(session, own), lease_s=60)
    assert unit is not None
    return unit


class TestUnitsOfTwoForums(TwoForums):
    module = units
    calls: ClassVar[Calls] = {
        "plan": lambda session, own: units.plan(
            session, own.archive, [NewUnit(stage=Stage.SEARCH, size=1)]
        ),
        "claim": lambda session, own: units.claim(session, _running(session, own), lease_s=60),
        "finish": lambda session, own: units.finish(session, _claim(session, own), took_s=0.1),
        "release": lambda session, own: units.release(session, _claim(session, own)),
        "put_back": lambda session, own: units.put_back(
            session, _claim(session, own), "no", delay_s=1
        ),
        "is_stage_done": lambda session, own: units.is_stage_done(
            session, own.archive, Stage.SEARCH
        ),
        "forget": lambda session, own: units.forget(session, own.archive, after=Stage.EMBED),
        "progress": lambda session, own: units.progress(session, own.archive),
        "set_aside": lambda session, own: units.set_aside(session, own.archive, Stage.SEARCH),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset(
        {"active", "allow_long_statements", "count_unmined"}
    )


class TestResultsOfTwoForums(TwoForums):
    module = results
    calls: ClassVar[Calls] = {
        "histogram": lambda session, own: results.histogram(session, own.archive),
        "tiles": lambda session, own: results.tiles(session, own.archive),
        "payloads": lambda session, own: list(
            results.payloads(session, own.archive, Stage.SEARCH, 0)
        ),
        "payload": lambda session, own: results.payload(session, own.archive, Stage.RANK, 0),
        "column": lambda session, own: list(results.column(session, own.archive, Stage.SEARCH, 0)),
        "drop_column": lambda session, own: results.drop_column(
            session, own.archive, Stage.SEARCH, 0
        ),
    }
