"""Forums."""

from typing import ClassVar

from db.tenants import forums
from tests.integration.db.two_forums import Calls, TwoForums


class TestTwoForums(TwoForums):
    module = forums
    calls: ClassVar[Calls] = {
        "get_forum": lambda session, own: forums.get_forum(session, own.forum.name),
        "find_forums": lambda session, own: forums.find_forums(session, {own.id}),
        "ensure_forum": lambda session, own: forums.ensure_forum(session, own.forum.name),
        "ensure_forum: a new one": lambda session, _own: forums.ensure_forum(session, "third"),
        "update_forum": lambda session, own: forums.update_forum(
            session, own.forum.name, title="New"
        ),
        "create_forum": lambda session, _own: forums.create_forum(session, "fourth"),
        "delete_forum": lambda session, own: forums.delete_forum(session, own.forum.name),
        "lock": lambda session, own: forums.lock(session, own.forum.name),
        "hold": lambda session, own: forums.hold(session, own.id),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"calibration_row", "list_forums"})
