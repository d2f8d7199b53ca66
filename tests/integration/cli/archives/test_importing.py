"""`askedbefore import` and `askedbefore archives` against real servers, with small models."""

import csv
import gzip
import os
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from typer.testing import CliRunner, Result

from cli.archives import importing, watch
from cli.main import app
from cli.running.embedded import Addresses
from db.tables.archives import Archive
from db.tables.pairs import Pair
from db.tables.questions import Question
from tests.integration.worker.archives.stages.test_steps import expected, found, named
from tests.rows.archive_factories import Factory, make_worker, titles
from worker.archives.loading import batches

DATA = os.environ.get("ASKEDBEFORE_DATA", "")  # noqa: TID251  # tests have no settings


@pytest.fixture(autouse=True)
def service(
    committed: Factory, servers: Addresses, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKEDBEFORE_DATABASE_URL", servers.database_url)
    monkeypatch.setenv("ASKEDBEFORE_REDIS_URL", redis_url)
    monkeypatch.setattr(watch, "_PAUSE_S", 0.01)
    monkeypatch.setattr(importing, "_work_here", lambda: lambda: make_worker(committed).run(0.5))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "old.csv.gz"
    lines = ["id,title", *(f'q{n},"{title}"' for n, title in enumerate(titles(50), start=1))]
    path.write_bytes(gzip.compress("\n".join([*lines, "q51"]).encode()))
    return path


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def count(sessions: Factory, table: type) -> int:
    with sessions.begin() as session:
        return session.execute(select(func.count()).select_from(table)).scalar_one()


def test_an_import_ends_with_pairs_rejects_and_a_report(
    committed: Factory, archive: Path, tmp_path: Path
) -> None:
    rejects, out = tmp_path / "bad.csv", tmp_path / "report"

    result = invoke(
        "import", archive, "--forum", "cooks", "--yes", "--rejects", rejects, "--report", out
    )

    assert result.exit_code == 0, result.output
    assert "50 new questions" in result.stderr
    assert "Every pair of questions was compared exactly" in result.stdout
    assert named(found(committed)) == expected(titles(50))
    with rejects.open(encoding="utf-8", newline="") as stream:
        assert [row["line"] for row in csv.DictReader(stream)] == ["52"]
    with (out / "pairs.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {tuple(sorted((row["id1"], row["id2"]))) for row in rows} == named(found(committed))
    assert "<svg" in (out / "report.html").read_text(encoding="utf-8")


def test_a_dry_run_writes_nothing_but_the_rejects(
    committed: Factory, archive: Path, tmp_path: Path
) -> None:
    result = invoke("import", archive, "--forum", "cooks", "--dry-run")

    assert result.exit_code == 0, result.output
    assert "50 questions and 0 known duplicates can be read" in result.stderr
    assert (tmp_path / "old.csv.rejects.csv").exists()
    assert count(committed, Question) == count(committed, Archive) == 0


def test_without_a_yes_nothing_is_written(committed: Factory, archive: Path) -> None:
    shown = CliRunner().invoke(app, ["import", str(archive), "--forum", "cooks"], input="n\n")

    assert shown.exit_code != 0
    assert titles(3)[2] in shown.stderr
    assert count(committed, Archive) == 0


def test_a_resume_needs_something_to_resume(archive: Path) -> None:
    result = invoke("import", archive, "--forum", "cooks", "--yes", "--resume")

    assert "no interrupted import of old.csv.gz" in str(result.exception)


def test_archives_are_listed_paused_resumed_and_cancelled(
    committed: Factory, archive: Path
) -> None:
    invoke("import", archive, "--forum", "cooks", "--yes", "--no-wait")
    with committed.begin() as session:
        number = str(session.execute(select(Archive.id)).scalar_one())

    told = [invoke("archives", verb, number).stdout for verb in ("pause", "resume", "cancel")]
    listed = invoke("archives").stdout

    assert [line.split()[-1] for line in told] == ["paused.", "running.", "cancelled."]
    assert "old.csv.gz" in listed
    assert "cancelled" in listed


@pytest.mark.skipif(
    not (Path(DATA) / "stackexchange" / "Posts.xml").is_file(),
    reason="ASKEDBEFORE_DATA names no folder with stackexchange/Posts.xml",
)
def test_a_real_stack_exchange_dump_goes_through(committed: Factory) -> None:
    path = Path(DATA) / "stackexchange" / "Posts.xml"

    result = invoke("import", path, "--forum", "quantum", "--yes", "--rejects", "/dev/null")

    assert result.exit_code == 0, result.output
    assert count(committed, Question) == 612
    with committed.begin() as session:
        known = session.execute(
            select(func.count()).select_from(Pair).where(Pair.kind == "known")
        ).scalar_one()
    assert 0 < known <= 14


def test_what_is_hidden_or_dropped_is_told_with_an_example(
    committed: Factory, tmp_path: Path
) -> None:
    path = tmp_path / "some.csv"
    path.write_text(
        "id,title,created_at,deleted\n1,Who is here?,yesterday,0\n2,Who is gone?,2020-01-01,1\n"
    )

    result = invoke("import", path, "--forum", "cooks", "--yes", "--no-wait")

    told = " ".join(result.stderr.split())
    assert "1 hidden question was kept out: deleted." in told
    assert "1 question imported without asked_at" in told
    assert "line 2: yesterday" in told
    assert count(committed, Question) == 1


def test_a_question_that_is_hidden_by_now_is_hidden_here(
    committed: Factory, tmp_path: Path
) -> None:
    path = tmp_path / "some.csv"
    for deleted in (0, 1):
        path.write_text(f"id,title,deleted\n1,Who is here?,{deleted}\n2,Who stays here?,0\n")
        assert invoke("import", path, "--forum", "cooks", "--yes", "--no-wait").exit_code == 0

    with committed.begin() as session:
        rows = session.execute(select(Question.external_id, Question.visible)).all()
        shown = {row.external_id: row.visible for row in rows}
    assert shown == {"1": False, "2": True}


def test_the_first_row_of_an_id_stays_wherever_a_batch_ends(
    committed: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)
    path = tmp_path / "replies.csv"
    path.write_text(
        "id,title\n1,First of one?\n2,First of two?\n1,Reply to one?\n2,Reply to two?\n"
    )

    result = invoke("import", path, "--forum", "cooks", "--yes", "--no-wait")

    assert result.exit_code == 0, result.output
    with committed.begin() as session:
        rows = session.execute(select(Question.external_id, Question.title)).all()
        stored = {row.external_id: row.title for row in rows}
    assert stored == {"1": "First of one?", "2": "First of two?"}


def test_a_file_that_changed_is_not_read_on(committed: Factory, archive: Path) -> None:
    invoke("import", archive, "--forum", "cooks", "--yes", "--no-wait")
    with committed.begin() as session:
        session.execute(update(Archive).values(stage="load", state="failed"))
    again = invoke("import", archive, "--forum", "cooks", "--yes", "--resume", "--no-wait")
    with committed.begin() as session:
        session.execute(update(Archive).values(stage="load", state="failed"))
    archive.write_bytes(gzip.compress(b"id,title\n1,Is it another file?\n"))

    result = invoke("import", archive, "--forum", "cooks", "--yes", "--resume")

    assert again.exit_code == 0, again.output
    assert "has changed" in str(result.exception)
