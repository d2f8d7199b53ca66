"""Who looks at which pair."""

from operator import attrgetter
from typing import ClassVar

from db.review import attention
from tests.integration.db.two_forums import HOUR, Calls, Crossed, TwoForums


class TestTwoForums(TwoForums):
    module = attention
    calls: ClassVar[Calls] = {
        "claim": lambda session, own: attention.claim(
            session, own.id, [own.flagged], holder="Ana", lifetime=HOUR
        ),
        "release": lambda session, own: attention.release(session, own.id, holder="Eve stranger"),
        "active_claims": lambda session, own: attention.active_claims(session, own.id),
        "skip": lambda session, own: attention.skip(session, own.id, [own.alone], holder="Ana"),
        "unskip": lambda session, own: attention.unskip(session, own.id, holder="Ana stranger"),
    }
    crossed: ClassVar[Crossed] = {
        "claim": (
            attrgetter("alone"),
            lambda session, own, thing: attention.claim(
                session, own.id, [thing], holder="Ana", lifetime=HOUR
            ),
        ),
        "skip": (
            attrgetter("alone"),
            lambda session, own, thing: attention.skip(session, own.id, [thing], holder="Ana"),
        ),
        "unskip": (
            attrgetter("flagged"),
            lambda session, own, thing: attention.unskip(
                session, own.id, holder="Ana stranger", pair_ids=[thing]
            ),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"colleague"})
