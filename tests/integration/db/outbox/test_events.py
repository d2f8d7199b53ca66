"""What happened, in order."""

from typing import ClassVar

from db.outbox import events
from db.outbox.events import NewEvent
from tests.integration.db.two_forums import Calls, TwoForums


class TestTwoForums(TwoForums):
    module = events
    calls: ClassVar[Calls] = {
        "record": lambda session, own: events.record(
            session,
            [NewEvent(forum_id=own.id, kind="pair.flagged", actor="ana", pair_id=own.flagged)],
        ),
    }
