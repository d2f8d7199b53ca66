"""Archives."""

from typing import ClassVar

from db.archives import archives
from db.archives.archives import ArchiveState, Stage
from tests.integration.db.two_forums import Calls, TwoForums


class TestTwoForums(TwoForums):
    module = archives
    calls: ClassVar[Calls] = {
        "create": lambda session, own: archives.create(
            session, own.id, name="n", form="csv", top_k=5
        ),
        "get": lambda session, own: archives.get(session, own.archive, lock=True),
        "list_archives": lambda session, own: archives.list_archives(session, own.id),
        "set_state": lambda session, own: archives.set_state(
            session, own.archive, ArchiveState.CANCELLED
        ),
        "change": lambda session, own: archives.change(session, own.archive, name="other"),
        "restage": lambda session, own: archives.restage(session, own.archive, Stage.EMBED),
        "end": lambda session, own: archives.end(session, own.archive),
        "note_progress": lambda session, own: archives.note_progress(
            session,
            own.archive,
            position=3,
            created=1,
            rejects=[{"line": 1}],
        ),
        "add_counts": lambda session, own: archives.add_counts(session, own.archive, {"hidden": 2}),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"is_embedding"})
