"""Two models and a forum that reads bodies: live questions, `check` and archives agree."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from db.pairs import thresholds
from db.questions import saving
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tenants import forums
from db.vectors import models
from db.vectors.rows import ModelKind
from db.work.rows import Lane
from tests.integration.worker.archives.stages.test_steps import mine
from tests.integration.worker.live.test_pipeline import NoQueue
from tests.rows.archive_factories import bring_in, make_models, make_worker
from tests.rows.factories import make_forum
from worker.archives.readers import SourceQuestion
from worker.inference.testing import WordEncoder, WordReranker
from worker.live.check import Checker
from worker.live.drain import Drain
from worker.live.pipeline import Pipeline
from worker.matching.matcher import Matcher
from worker.matching.models import Limits
from worker.matching.pairs import score_pairs
from worker.queue import CheckRequest
from worker.scoring.calibration import Calibration, Rule
from worker.scoring.fusion import Fusion
from worker.text.intake import Submission, question_of
from worker.text.normal import Reads, TextFields, seen

Factory = sessionmaker[Session]
BODY = "In a pot with salt, for some minutes, until they are firm enough for my taste"
EGGS = ("How to boil an egg", BODY)
SAME = ("Boil an egg, how", f"{BODY} and yours")
OTHER_BODY = ("How to boil an egg now", "My grandmother has a clock of brass that nobody winds")
NO_WORD = ("Breakfast questions", f"{BODY} and hers")
"""The words of its title are none of the others'."""
ROWS = (EGGS, SAME, OTHER_BODY, NO_WORD)
RULE = Rule(
    fusion=Fusion(logit=0.0, cosine=12.0, bias=-8.5, overlap_logit=0.4),
    threshold=0.6,
    cosine_floor=0.3,
)
CALIBRATION = Calibration(
    rules={WordEncoder.digest: RULE},
    threshold=0.9,
    asymmetry=0.4,
    reads=Reads.TITLE,
    logit_bounds=(-7.0, 7.0),
)


def live(sessions: Factory, reranker: WordReranker) -> None:
    with sessions.begin() as session:
        forum = forums.get_forum(session, "cooks")
        items = [
            question_of(Submission(f"q{n}", *row), text_fields=forum.text_fields)
            for n, row in enumerate(ROWS, start=1)
        ]
        saving.save(session, forum, items, lane=Lane.LIVE)
    pipeline = Pipeline(sessions, make_models(sessions, reranker=reranker), Limits())
    drain = Drain(
        Lane.LIVE,
        sessions=sessions,
        queue=NoQueue(),
        slice_s=5.0,
        token_budget=4096,
        claim_limit=256,
        lease_s=60,
    )
    drain.run(pipeline.process)


def imported(sessions: Factory, reranker: WordReranker) -> None:
    rows = [SourceQuestion(f"q{n}", *row, line=n) for n, row in enumerate(ROWS, start=1)]
    bring_in(sessions, rows)
    mine(make_worker(sessions, reranker=reranker))


def logits(pair: Pair) -> set[float | None]:
    return {pair.logit_low_high, pair.logit_high_low}


@pytest.mark.parametrize("way", [live, imported])
def test_bodies_tell_near_and_titles_tell_the_same_whichever_way_questions_come(
    committed: Factory, way: Callable[[Factory, WordReranker], None]
) -> None:
    with committed.begin() as session:
        make_forum(session)
        forum = forums.update_forum(session, "cooks", text_fields=TextFields.TITLE_BODY)
    reranker = WordReranker(CALIBRATION)

    way(committed, reranker)

    with committed.begin() as session:
        rows = session.execute(select(Pair).order_by(Pair.low_id, Pair.high_id)).scalars().all()
        assert thresholds.in_force(session, forum) == RULE.threshold
        held = {row.id: row.external_id for row in session.execute(select(Question)).scalars()}
    found = {(held[row.low_id], held[row.high_id]): row for row in rows}
    assert set(found) == {("q1", "q2"), ("q1", "q4"), ("q2", "q4")}
    # The titles of q1 and q2 have words in common; those of q1 and q4 none, so it is not read.
    assert logits(found["q1", "q2"]) != {None}
    assert logits(found["q1", "q4"]) == {None}
    first, second = (seen(*ROWS[n], fields=TextFields.TITLE_BODY) for n in (0, 1))
    given = score_pairs(Matcher.of(WordEncoder(), reranker), [first], [second])
    assert found["q1", "q2"].score == pytest.approx(given.probability[0], abs=5e-3)
    assert found["q1", "q2"].cosine == pytest.approx(given.cosine[0], abs=1e-3)


def test_a_text_that_is_not_stored_is_scored_as_if_it_were(committed: Factory) -> None:
    with committed.begin() as session:
        make_forum(session)
        forum = forums.update_forum(session, "cooks", text_fields=TextFields.TITLE_BODY)
    reranker = WordReranker(CALIBRATION)
    live(committed, reranker)
    checker = Checker(committed, make_models(committed, reranker=reranker), Limits())

    answer = checker.answer(CheckRequest(forum_id=forum.id, title="Boil an egg: how", body=SAME[1]))

    assert answer.threshold == RULE.threshold
    asked = seen("Boil an egg: how", SAME[1], fields=TextFields.TITLE_BODY)
    egg = seen(*EGGS, fields=TextFields.TITLE_BODY)
    given = score_pairs(Matcher.of(WordEncoder(), reranker), [asked], [egg])
    scores = {one.id: one.score for one in answer.duplicates}
    assert scores["q1"] == pytest.approx(given.probability[0], abs=5e-3)
    assert "q3" not in scores


def test_a_new_calibration_of_known_weights_is_the_one_that_counts(session: Session) -> None:
    known = {"kind": ModelKind.RERANKER, "name": "x", "digest": "x-1"}
    old = models.ensure_model(session, **known, calibration={"threshold": 0.5})  # type: ignore[arg-type]
    models.activate(session, old.id)
    models.activate(
        session,
        models.ensure_model(
            session, kind=ModelKind.BI_ENCODER, name="mini", digest="mini-1", dimension=64
        ).id,
    )

    before = thresholds.own(session)
    held = {"threshold": 0.4, "cosine_floor": 0.6, "rules": {"mini-1": {"threshold": 0.7}}}
    new = models.ensure_model(session, **known, calibration=held)  # type: ignore[arg-type]
    again = models.ensure_model(session, **known)  # type: ignore[arg-type]

    assert (before, thresholds.own(session)) == (0.5, 0.7)
    assert (new.id, new.active, new.calibration) == (old.id, True, held)
    assert again == new
    assert new.number("threshold", bi_encoder="another") == 0.4
    assert new.number("cosine_floor", bi_encoder="mini-1") is None
    assert old.number("thresholds", bi_encoder=None) is None
