"""Who reads a file says so, to the database and to who waits, for as long as the block lasts."""

import threading

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db.archives import archives
from db.tables.archives import Archive
from tests.rows.factories import make_forum
from worker.archives.loading import attending


def test_a_file_is_attended_until_its_block_ends(
    committed: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attending, "_EVERY_S", 0.01)
    with committed.begin() as session:
        forum = make_forum(session)
        row = archives.create(session, forum.id, name="a.csv", form="csv", top_k=9)
    signs: list[int] = []
    heard = threading.Event()

    def note() -> None:
        signs.append(1)
        if len(signs) > 2:
            heard.set()

    with attending.attended(committed, row.id, on_sign=note):
        assert heard.wait(30)

    assert not [thread for thread in threading.enumerate() if thread.name == "attend"]
    with committed.begin() as session:
        kept = session.get(Archive, row.id)
        assert kept is not None
        assert kept.attended_at is not None
