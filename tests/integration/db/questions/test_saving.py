"""Questions saved."""

from typing import ClassVar

from db.questions import saving
from db.work.rows import Lane
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import new_question


class TestTwoForums(TwoForums):
    module = saving
    calls: ClassVar[Calls] = {
        "save": lambda session, own: saving.save(
            session,
            own.forum,
            [new_question("What is new?", external_id=name) for name in ("q1", "new")],
            lane=Lane.LIVE,
        ),
        "put": lambda session, own: saving.put(
            session, own.forum, new_question("What is new?", external_id="new"), lane=Lane.LIVE
        ),
        "create": lambda session, own: saving.create(
            session,
            own.forum,
            [new_question("What is new?", external_id=name) for name in ("new", "q1", "newer")],
            lane=Lane.LIVE,
        ),
        "edit": lambda session, own: saving.edit(
            session, own.forum, new_question("What is new?", external_id="q1"), lane=Lane.LIVE
        ),
        "put: an edit": lambda session, own: saving.put(
            session, own.forum, new_question("What is new?", external_id="q1"), lane=Lane.LIVE
        ),
    }
