"""A file that comes again with few changes is read again only where it has changed."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from db.archives import archives
from db.archives.archives import ArchiveRow
from db.questions import questions
from db.tables.questions import Question
from db.tenants import forums
from tests.rows.archive_factories import Factory
from worker.archives.loading.load import load
from worker.archives.loading.missing import Rules
from worker.archives.readers import open_archive
from worker.archives.readers.meaning import parts as reader_parts
from worker.archives.readers.meaning.by_column import ByColumn

Rows = list[list[str]]
ROWS = 400


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ROWS", 96), ("_FEWEST", 32), ("_EACH", 16)):
        monkeypatch.setattr(reader_parts, name, value)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many rows were read, by part."""
    counts: list[int] = []
    original = ByColumn.read

    def counting(self: ByColumn, part: list[object], digest: bytes | None) -> object:
        counts.append(len(part))
        return original(self, part, digest)  # type: ignore[arg-type]

    monkeypatch.setattr(ByColumn, "read", counting)
    return counts


def rows() -> Rows:
    """Return questions, of which some are hidden and some have a date that is none."""
    return [
        [str(n), f"How is thing {n} done?", "yes" if n % 50 == 7 else "no", f"2019-03-{n % 40:02}"]
        for n in range(ROWS)
    ]


def import_(
    sessions: Factory, folder: Path, wanted: Rows, *, reads_all: bool = False
) -> ArchiveRow:
    path = folder / "all.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "title", "deleted", "created_at"], *wanted])
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, "cooks")
        archive = archives.create(session, forum.id, name="all.csv", form="csv", top_k=5)
    with open_archive(path) as opened:
        rules = Rules(reads_all=reads_all)
        return load(sessions, forum, archive, opened.pieces(), rules=rules, memory=opened.memory)


def told(done: ArchiveRow) -> tuple[int, int, int, int, dict[str, int]]:
    counts = dict(done.counts)
    return done.created, done.changed, done.unchanged, done.position, counts


def titles(sessions: Factory) -> dict[str, str]:
    with sessions.begin() as session:
        found = session.execute(select(Question.external_id, Question.title)).all()
        return {row.external_id: row.title for row in found}


def test_only_parts_with_a_change_are_read_again(
    committed: Factory, tmp_path: Path, read: list[int]
) -> None:
    wanted = rows()
    import_(committed, tmp_path, wanted)
    whole = sum(read)
    read.clear()
    wanted[200][1] = "Is it done otherwise?"
    del wanted[100]
    wanted.insert(300, ["new", "What is new?", "no", "2019-03-01"])

    done = import_(committed, tmp_path, wanted)

    assert whole == ROWS
    assert 0 < sum(read) < ROWS / 2
    assert (done.created, done.changed, done.counts["gone"]) == (1, 1, 1)
    assert titles(committed)["200"] == "Is it done otherwise?"


def _same(_sessions: Factory, _wanted: Rows) -> None:
    """Change nothing."""


def _edited_here(sessions: Factory, _wanted: Rows) -> None:
    with sessions.begin() as session:
        session.execute(
            Question.__table__.update()  # type: ignore[attr-defined]
            .where(Question.external_id == "20")
            .values(title="Something else", content_digest=b"x")
        )


def _erased_here(sessions: Factory, _wanted: Rows) -> None:
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, "cooks")
        questions.erase(session, forum.id, "20", actor="somebody")


def _twice(_sessions: Factory, wanted: Rows) -> None:
    wanted.insert(0, wanted[300])


def _hidden_now(_sessions: Factory, wanted: Rows) -> None:
    wanted[20][2] = "yes"


@pytest.mark.parametrize("meanwhile", [_same, _edited_here, _erased_here, _twice, _hidden_now])
def test_what_is_known_is_told_and_stored_as_if_it_were_read(
    committed: Factory, tmp_path: Path, meanwhile: Callable[[Factory, Rows], None]
) -> None:
    wanted = rows()
    import_(committed, tmp_path, wanted)
    meanwhile(committed, wanted)

    quick = import_(committed, tmp_path, wanted)
    after = titles(committed)
    meanwhile(committed, []) if meanwhile is _edited_here else None
    full = import_(committed, tmp_path, wanted, reads_all=True)

    assert quick.position == full.position
    assert quick.rejected == full.rejected
    assert titles(committed) == after
    changes = {"hidden_now", "gone", "before"}
    assert {k: v for k, v in quick.counts.items() if k not in changes} == {
        k: v for k, v in full.counts.items() if k not in changes
    }
    if meanwhile is not _hidden_now:
        assert (quick.created, quick.changed, quick.unchanged) == (
            full.created,
            full.changed,
            full.unchanged,
        )
