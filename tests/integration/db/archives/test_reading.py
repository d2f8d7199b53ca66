"""Loads of archives: one forum's is nothing to another's."""

from typing import ClassVar

from db.archives import reading
from tests.integration.db.two_forums import Calls, TwoForums


class TestTwoForums(TwoForums):
    module = reading
    calls: ClassVar[Calls] = {
        "find_unloaded": lambda session, own: reading.find_unloaded(session, own.id, "of alpha"),
        "find_unloaded: a name of another": lambda session, own: reading.find_unloaded(
            session, own.id, "of stranger"
        ),
        "read_on": lambda session, own: reading.read_on(session, own.archive),
        "attend": lambda session, own: reading.attend(session, own.archive),
        "fail": lambda session, own: reading.fail(session, own.archive, "no"),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"fail_unattended"})
