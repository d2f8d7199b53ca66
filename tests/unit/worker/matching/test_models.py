"""What holds in a forum: its threshold, and its calibration if it belongs to these models."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from db.rows import WHOLE_FORUM, QuestionText, Rung
from db.tenants.rows import AuthorNames, ForumRow
from db.vectors.rows import ModelKind, ModelRow
from tests.unit.worker.scoring.test_proof import calibration
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.models import Models
from worker.matching.vectors import seen_of
from worker.scoring.calibration import Calibration
from worker.scoring.recalibration import Line
from worker.text.normal import Seen

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FORUM = ForumRow(
    id=1,
    name="cooks",
    title="Cooks",
    text_fields="title",
    threshold=None,
    observe_only=False,
    pending_limit=9,
    canonical_by="asked_at",
    calibration=None,
    rung=Rung.LOG,
    grace_h=0.0,
    wanted_precision=0.95,
    act_threshold=None,
    scope=WHOLE_FORUM,
    author_names=AuthorNames.KEPT,
    author_salt=UUID(int=0),
    keep_questions_days=None,
    keep_authors_days=None,
    keep_events_days=None,
    keep_decisions_days=None,
)


def model(number: int, kind: ModelKind) -> ModelRow:
    return ModelRow(
        id=number,
        kind=kind,
        name="m",
        digest="d",
        dimension=64,
        calibration=None,
        active=True,
        created_at=NOW,
    )


def models(*, reranker: int = 2, bi_encoder: int = 1) -> Models:
    return Models(
        encoder=WordEncoder(),
        reranker=WordReranker(Calibration(threshold=0.7)),
        bi_encoder=model(bi_encoder, ModelKind.BI_ENCODER),
        cross_encoder=model(reranker, ModelKind.RERANKER),
    )


@pytest.mark.parametrize(("own", "threshold"), [(None, 0.7), (0.4, 0.4), (0.0, 0.0)])
def test_a_forum_flags_at_its_own_threshold_or_at_that_of_the_models(
    own: float | None, threshold: float
) -> None:
    forum = replace(FORUM, threshold=own)

    assert models().threshold(forum) == threshold
    assert models().matcher(forum).threshold == threshold
    assert models().provenance(forum).threshold == threshold


def test_a_calibration_counts_with_the_models_it_was_fitted_to() -> None:
    forum = replace(FORUM, calibration=calibration(2.0, -1.0))

    assert models().matcher(forum).line == Line(2.0, -1.0)
    assert models().provenance(forum).calibration_id == 1


@pytest.mark.parametrize("other", [{"reranker": 9}, {"bi_encoder": 9}])
def test_a_calibration_of_other_models_counts_nothing(other: dict[str, int]) -> None:
    forum = replace(FORUM, calibration=calibration(2.0, -1.0))

    assert models(**other).matcher(forum).line is None
    assert models(**other).provenance(forum).calibration_id is None


def test_what_is_found_says_which_models_found_it() -> None:
    found = models(reranker=8, bi_encoder=7).provenance(replace(FORUM, observe_only=True))

    assert (found.bi_encoder_id, found.reranker_id, found.observe_only) == (7, 8, True)


@pytest.mark.parametrize(
    ("read", "fields", "seen"),
    [
        ((None, None), "title", Seen("How do I boil an egg?", "How do I boil an egg?")),
        (
            (None, None),
            "title_body",
            Seen("How do I boil an egg? Soft.", "How do I boil an egg?"),
        ),
        (("How to boil?!", None), "title", Seen("How to boil?! Soft.", "How to boil?!")),
        ((None, " "), "title_body", Seen("How do I boil an egg?", "How do I boil an egg?")),
    ],
)
def test_models_see_a_stored_question_without_what_its_forum_cuts(
    read: tuple[str | None, str | None], fields: str, seen: Seen
) -> None:
    row = QuestionText(
        id=1,
        forum_id=1,
        title="How do I boil an egg?",
        body="Soft.",
        text_fields=fields,
        text_digest=b"",
        text_version=1,
        visible=True,
        read_title=read[0],
        read_body=read[1],
    )

    assert seen_of(row) == seen
