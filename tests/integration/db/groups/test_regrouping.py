"""What a confirmed pair does to the groups."""

from typing import ClassVar

from db.groups import regrouping
from tests.integration.db.two_forums import Calls, TwoForums


class TestTwoForums(TwoForums):
    module = regrouping
    calls: ClassVar[Calls] = {
        "confirm: founds a group": lambda session, own: regrouping.confirm(
            session,
            own.id,
            (own.questions[3], own.questions[4]),
            grouped={},
            chosen=None,
            actor="ana",
        ),
        "confirm: a group grows": lambda session, own: regrouping.confirm(
            session,
            own.id,
            (own.question, own.questions[2]),
            grouped={own.question: own.group},
            chosen=None,
            actor="ana",
        ),
        "weigh_anew": lambda session, own: regrouping.weigh_anew(session, own.questions),
    }
