"""`askedbefore sync`: imports that are repeated from where they left off."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url, select
from typer.testing import CliRunner, Result

from cli.archives import syncing
from cli.main import app
from cli.running.embedded import Addresses
from db.archives import archives
from db.errors import InvalidInputError
from db.imports import syncs
from db.tables.questions import Question
from tests.rows.archive_factories import Factory
from tests.servers.forum_databases import DISCOURSE
from tests.servers.web_server import Quiet, serving
from worker.archives.loading import syncing as starting


@pytest.fixture(autouse=True)
def service(
    committed: Factory,  # noqa: ARG001  # its tables are emptied afterwards
    servers: Addresses,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASKEDBEFORE_DATABASE_URL", servers.database_url)
    monkeypatch.setenv("ASKEDBEFORE_REDIS_URL", redis_url)


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["sync", *map(str, words)])


def stored(sessions: Factory) -> dict[str, str]:
    with sessions.begin() as session:
        rows = session.execute(select(Question.external_id, Question.title)).all()
    return {row.external_id: row.title for row in rows}


def last_error(sessions: Factory) -> str | None:
    with sessions.begin() as session:
        (row,) = syncs.list_syncs(session)
    return row.error


def test_a_folder_is_read_again_where_a_file_is_new_or_has_changed(
    committed: Factory, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("id,title\n1,Why one?\n2,Why two?\n")
    (tmp_path / "b.csv").write_text("id,title\n3,Why three?\n")
    assert (
        invoke("add", tmp_path, "--forum", "cooks", "--every", "6h", "--delete-missing").exit_code
        == 0
    )
    assert invoke("run").exit_code == 0
    assert set(stored(committed)) == {"1", "2", "3"}

    (tmp_path / "a.csv").write_text("id,title\n1,Why one now?\n")
    (sync,) = _ids(committed)
    second = invoke("run", str(sync))

    assert second.exit_code == 0, second.output
    assert stored(committed) == {"1": "Why one now?", "3": "Why three?"}
    with committed.begin() as session:
        names = [row.name for row in archives.list_archives(session)]
    assert sorted(names) == ["a.csv", "a.csv", "b.csv"]


def _ids(sessions: Factory) -> list[int]:
    with sessions.begin() as session:
        return [row.id for row in syncs.list_syncs(session)]


def test_a_run_that_fails_is_told_and_goes_on_where_it_left_off(
    committed: Factory, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("id,title\n1,Why one?\n")
    (tmp_path / "b.csv").write_text("")
    invoke("add", tmp_path, "--forum", "cooks")

    broken = invoke("run")

    assert broken.exit_code == 1
    assert "the file is empty" in (last_error(committed) or "")
    assert invoke("run").exit_code == 0, "nothing is due"
    (tmp_path / "b.csv").write_text("id,title\n2,Why two?\n")
    assert invoke("run", str(_ids(committed)[0])).exit_code == 0
    assert (set(stored(committed)), last_error(committed)) == ({"1", "2"}, None)
    assert "cooks" in invoke("list").output


class Dump(Quiet):
    content: ClassVar[bytes] = b"id,title\n1,Why one?\n"
    answers: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        mark = f'"{hash(self.content)}"'
        is_known = self.headers.get("If-None-Match") == mark
        self.answers.append(304 if is_known else 200)
        self.send_response(self.answers[-1])
        self.send_header("ETag", mark)
        self.end_headers()
        if not is_known:
            self.wfile.write(self.content)


@pytest.fixture
def url() -> Iterator[str]:
    with serving(Dump) as address:
        yield f"{address}/dump.csv"


def test_an_address_is_loaded_again_only_when_it_says_that_it_has_changed(
    committed: Factory, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke("add", url, "--forum", "cooks")
    first = invoke("run")
    assert first.exit_code == 0, first.output
    (sync,) = _ids(committed)
    invoke("run", str(sync))
    monkeypatch.setattr(Dump, "content", b"id,title\n1,Why one now?\n")

    invoke("run", str(sync))

    assert Dump.answers == [200, 304, 200]
    assert stored(committed) == {"1": "Why one now?"}


def test_a_password_is_not_stored() -> None:
    refused = invoke("add", "mysql://ana:secret@db.example/forum", "--forum", "cooks")

    assert isinstance(refused.exception, InvalidInputError)
    assert "--password-file" in str(refused.exception)
    assert "secret" not in str(refused.exception)


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1_800), ("6h", 21_600), ("1d", 86_400)])
def test_intervals_are_read(text: str, seconds: int) -> None:
    assert syncing.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "0m", "9999d", "6 weeks"])
def test_other_intervals_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        syncing.seconds_of(text)


def test_a_worker_starts_one_process_for_what_is_due(committed: Factory, tmp_path: Path) -> None:
    command = (sys.executable, "-c", "input()")
    assert not starting.start_due(committed, command)
    invoke("add", tmp_path, "--forum", "cooks")

    started = [starting.start_due(committed, command) for _ in range(2)]

    assert started == [True, False]
    starting._running[0].wait(timeout=60)  # noqa: SLF001  # it ends: it has nothing to read


@pytest.fixture
def discourse(servers: Addresses) -> Iterator[tuple[str, Connection]]:
    """A forum's database with one topic that everybody may see, and its address."""
    url = make_url(servers.database_url)
    host, name = str(url.query["host"]), "forum_to_sync"
    own = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with own.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    forum = create_engine(url.set(database=name), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with forum.connect() as connection:
        connection.exec_driver_sql(DISCOURSE)
        yield f"postgresql://{url.username}@localhost/{name}?socket={host}", connection
    with own.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")


def test_of_a_database_the_changes_are_read_and_now_and_then_the_whole(
    committed: Factory, discourse: tuple[str, Connection]
) -> None:
    address, forum = discourse
    forum.exec_driver_sql(
        "INSERT INTO topics (id, title, category_id, created_at, posts_count, views, closed,"
        " archived, visible, archetype) VALUES (6, 'How do I peel a leek?', 1, '2014-01-01', 1, 0,"
        " false, false, true, 'regular')"
    )
    added = invoke("add", address, "--forum", "cooks", "--as", "discourse", "--delete-missing")
    assert added.exit_code == 0, added.output
    assert invoke("run").exit_code == 0
    assert set(stored(committed)) == {"1", "6"}
    (sync,) = _ids(committed)

    forum.exec_driver_sql("UPDATE topics SET title = 'How do I fry an egg?' WHERE id = 1")
    forum.exec_driver_sql("UPDATE posts SET last_version_at = now() WHERE id = 11")
    forum.exec_driver_sql("DELETE FROM topics WHERE id = 6")
    changed = invoke("run", str(sync))

    assert "0 new, 1 changed, 0 unchanged" in changed.output
    assert stored(committed) == {"1": "How do I fry an egg?", "6": "How do I peel a leek?"}
    with committed.begin() as session:
        (row,) = syncs.list_syncs(session)
        old = dict(row.cursor) | {"whole_at": "2020-01-01T00:00:00+00:00"}
        syncs.finish(session, row, cursor=old)
    whole = invoke("run", str(sync))
    assert "1 question is gone from the forum; 1 was erased here too" in whole.output
    assert stored(committed) == {"1": "How do I fry an egg?"}


def test_a_database_that_does_not_answer_is_told(committed: Factory) -> None:
    invoke("add", "postgresql://ana@127.0.0.1:1/forum", "--forum", "cooks", "--as", "discourse")

    assert invoke("run").exit_code == 1
    assert "postgresql://127.0.0.1:1/forum" in (last_error(committed) or "")


def test_what_is_said_of_a_file_holds_for_each_run(committed: Factory, tmp_path: Path) -> None:
    file = tmp_path / "board.csv"
    file.write_text("nr,headline,level\n1,Why one?,all\n2,Why two?,staff\n")
    words = ("--map", "title=headline", "--map", "id=nr", "--visible-if", "level=all")
    assert invoke("add", file, "--forum", "cooks", *words).exit_code == 0
    assert invoke("run").exit_code == 0
    assert stored(committed) == {"1": "Why one?"}

    file.write_text("nr,headline,level\n1,Why one now?,all\n2,Why two?,all\n")
    (sync,) = _ids(committed)
    second = invoke("run", str(sync))

    assert second.exit_code == 0, second.output
    assert stored(committed) == {"1": "Why one now?", "2": "Why two?"}


def test_a_mapping_that_cannot_be_is_refused_when_the_sync_is_added(tmp_path: Path) -> None:
    refused = invoke("add", tmp_path, "--forum", "cooks", "--visible-if", "nothing")

    assert refused.exit_code != 0
