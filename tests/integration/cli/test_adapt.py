"""`askedbefore adapt` as a person runs it."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from cli import adapt as command
from db.vectors import models as db_models
from db.vectors.rows import ModelKind
from tests.command import run
from tests.integration.worker.adapting.test_calibrating import make_pairs
from tests.rows.archive_factories import CALIBRATION
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.models import Models

Factory = sessionmaker[Session]


def decided_models(sessions: Factory) -> Models:
    with sessions.begin() as session:
        rows = [db_models.find_active(session, kind) for kind in ModelKind]
    assert rows[0] is not None
    assert rows[1] is not None
    return Models(
        encoder=WordEncoder(),
        reranker=WordReranker(CALIBRATION),
        bi_encoder=rows[0],
        cross_encoder=rows[1],
    )


def test_the_command_says_what_the_decisions_bring_does_it_and_undoes_it(
    running_home: Path, committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with committed.begin() as session:
        make_pairs(session, 300, 40, shift=-2.0)
    monkeypatch.setattr(command, "_active", decided_models)

    dry = run(running_home, "adapt", "--forum", "cooks")
    done = run(running_home, "adapt", "--forum", "cooks", "--apply")
    undone = run(running_home, "adapt", "--forum", "cooks", "--reset")
    again = run(running_home, "adapt", "--forum", "cooks", "--reset")

    assert "Precision measured: at least" in dry.stdout, dry.stderr
    foreseen = re.search(r"(\d+) undecided pairs would be flagged and (\d+) hidden", dry.stdout)
    assert foreseen is not None
    assert f"{foreseen[1]} undecided pairs were flagged and {foreseen[2]} hidden" in done.stdout
    assert "In force: a calibration from the decisions." in done.stdout
    assert "are in force again" in undone.stdout
    assert again.returncode == 1
    assert "nothing to undo" in again.stderr


def test_before_anybody_has_decided_it_says_what_is_missing(
    running_home: Path, committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with committed.begin() as session:
        make_pairs(session, 0, 40, shift=0.0)
    monkeypatch.setattr(command, "_active", decided_models)

    said = run(running_home, "adapt", "--forum", "cooks").stdout
    applied = run(running_home, "adapt", "--forum", "cooks", "--apply")

    as_json = run(running_home, "adapt", "--forum", "cooks", "--json")
    assert json.loads(as_json.stdout)["threshold"] is None
    assert applied.returncode == 1
    assert "nothing to apply: people call 0 pairs" in applied.stderr
    assert "known duplicates" not in said  # columns that would be empty
    assert "There is no sample: the workers have read no visible question" in said
    assert "threshold ┃" not in said  # nor a table of zeros
    assert "missing: 20 more of duplicate and 20 more of not the same or related" in said
    assert "No threshold is proposed: people call 0 pairs of the sample the same" in said
