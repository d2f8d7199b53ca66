"""Pairs about edited texts: one forum's are nothing to another's."""

from typing import ClassVar

from db.pairs import outdated
from tests.integration.db.two_forums import Calls, TwoForums


class TestTwoForums(TwoForums):
    module = outdated
    calls: ClassVar[Calls] = {
        "owe_where_edited": lambda session, own: outdated.owe_where_edited(
            session, own.id, own.flagged
        ),
    }
