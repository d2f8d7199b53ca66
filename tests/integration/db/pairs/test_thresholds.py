"""A forum's threshold."""

from typing import ClassVar

from db.pairs import thresholds
from tests.integration.db.two_forums import Calls, TwoForums


class TestTwoForums(TwoForums):
    module = thresholds
    calls: ClassVar[Calls] = {
        "in_force": lambda session, own: thresholds.in_force(session, own.forum),
        "chosen_by": lambda session, own: thresholds.chosen_by(session, own.forum),
        "apply": lambda session, own: thresholds.apply(
            session, own.forum, 0.95, chosen=0.95, observe_only=True, actor="ana"
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"own"})
