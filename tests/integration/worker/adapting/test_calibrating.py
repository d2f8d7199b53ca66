"""A forum's own calibration: learnt, put into force, kept to by the workers, taken back."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session, sessionmaker

from cli.running.service import wait_until
from db.deciding import bulk
from db.groups import groups
from db.pairs import calibrations, pairs, thresholds
from db.pairs.calibrations import NoCalibrationError
from db.pairs.pairs import StaleScoresError
from db.pairs.rows import Finding
from db.rows import PairKind, PairStatus, Provenance
from db.tables.pairs import Event, Pair
from db.tables.questions import Question
from db.tenants import forums
from db.tenants.rows import CalibrationRow, ForumRow, Learnt
from db.vectors import models
from db.vectors.rows import ModelKind
from db.work import jobs
from db.work.rows import Lane
from tests.integration.worker.live.test_pipeline import drain, make_models, submit
from tests.rows.review import Seeded, flag, say, seed_questions
from worker.adapting.calibrating import (
    NEEDED,
    CannotLearnError,
    in_force,
    propose,
    recalibrate,
    reset,
)
from worker.live.check import Checker
from worker.matching.models import Limits
from worker.queue import CheckRequest
from worker.scoring.recalibration import Line

Factory = sessionmaker[Session]
THRESHOLD = 0.5


def make_active(session: Session) -> tuple[int, int]:
    """Make two models active and return their ids, the reranker's first."""
    made = [
        models.activate(session, models.ensure_model(session, kind=kind, name=kind, digest="d").id)
        for kind in (ModelKind.RERANKER, ModelKind.BI_ENCODER)
    ]
    return made[0].id, made[1].id


def make_pairs(session: Session, decided: int, waiting: int, *, shift: float) -> Seeded:
    """Flag pairs with all kinds of scores, and decide on some as another line would have it."""
    seeded = seed_questions(session, *(f"question {n}" for n in range(decided + waiting + 1)))
    ids = make_active(session)
    chance = np.random.default_rng(5)
    truth = Line(1.0, shift)
    for n in range(decided + waiting):
        score = float(chance.uniform(THRESHOLD, 1.0))
        status = PairStatus.FLAGGED
        if n < decided:
            is_same = chance.uniform() < truth.probability(np.array([score]))[0]
            status = PairStatus.DUPLICATE if is_same else PairStatus.NOT_DUPLICATE
        flag(session, seeded, 0, n + 1, score=score, status=status)
    session.execute(update(Pair).values(reranker_id=ids[0], bi_encoder_id=ids[1]))
    session.execute(
        update(Pair)
        .where(Pair.status != PairStatus.FLAGGED)
        .values(decided_by="ana", decided_at=func.now())
    )
    return seeded


def state(session: Session) -> dict[int, tuple[str, float, float | None, int]]:
    found = session.execute(select(Pair.id, Pair.status, Pair.score, Pair.raw_score, Pair.version))
    return {key: (status, score, raw, version) for key, status, score, raw, version in found}


def learnt(reranker_id: int, bi_encoder_id: int, *, slope: float = 1.0, shift: float) -> Learnt:
    return Learnt(
        reranker_id=reranker_id,
        bi_encoder_id=bi_encoder_id,
        slope=slope,
        shift=shift,
        duplicates=NEEDED,
        others=NEEDED,
        lowest=THRESHOLD,
        error_before=0.2,
        error_after=0.1,
        brier_before=0.2,
        brier_after=0.1,
    )


def put_in_force(session: Session, name: str, what: Learnt) -> CalibrationRow:
    forum = calibrations.lock(session, name)
    return calibrations.put_in_force(session, forum, what, threshold=0.6, actor="Ana")


def test_decisions_move_what_waits_and_nothing_that_was_decided(session: Session) -> None:
    seeded = make_pairs(session, 300, 50, shift=-2.0)
    before = state(session)
    foreseen = propose(session, seeded.forum).moved

    done = recalibrate(session, "cooks", actor="Ana")

    after = state(session)
    assert done.learnt is not None
    assert foreseen == done.moved
    line = Line(done.learnt.slope, done.learnt.shift)
    waiting = {n for n, row in before.items() if row[0] == PairStatus.FLAGGED}
    assert {n: after[n] for n in after if n not in waiting} == {
        n: before[n] for n in before if n not in waiting
    }
    raw = np.array([before[n][1] for n in sorted(waiting)])
    now = np.array([after[n][1] for n in sorted(waiting)])
    assert now == pytest.approx(line.probability(raw), abs=1e-6)
    assert [after[n][2] for n in sorted(waiting)] == raw.tolist()
    hidden = {n for n in waiting if after[n][0] == PairStatus.WITHDRAWN}
    assert hidden == {n for n in waiting if after[n][1] < THRESHOLD}
    assert done.moved is not None
    assert (done.moved.scored, done.moved.shown, done.moved.hidden) == (50, 0, len(hidden))
    assert 0 < len(hidden) < 50
    told = session.execute(select(Event.kind, Event.actor)).all()
    assert told == [("forum.calibration", "Ana")]


def test_taking_it_back_gives_every_score_back(session: Session) -> None:
    make_pairs(session, 200, 50, shift=-2.0)
    before = {n: row[:3] for n, row in state(session).items()}
    recalibrate(session, "cooks", actor="Ana")
    assert {n: row[:3] for n, row in state(session).items()} != before

    moved = reset(session, "cooks", actor="Ben")

    assert {n: row[:3] for n, row in state(session).items()} == before
    assert moved.scored == 50
    forum = forums.get_forum(session, "cooks")
    assert forum.calibration is None
    (ended,) = calibrations.versions(session, forum.id)
    assert (ended.actor, ended.ended_by) == ("Ana", "Ben")
    with pytest.raises(NoCalibrationError):
        reset(session, "cooks", actor="Ben")


def test_a_second_calibration_starts_from_the_models_own_scores(session: Session) -> None:
    make_pairs(session, 60, 20, shift=0.0)
    ids = make_active(session)
    put_in_force(session, "cooks", learnt(*ids, shift=-3.0))
    put_in_force(session, "cooks", learnt(*ids, shift=-1.0))

    rows = [row for row in state(session).values() if row[2] is not None]
    raw = np.array([row[2] for row in rows], dtype=np.float64)
    assert [row[1] for row in rows] == pytest.approx(Line(1.0, -1.0).probability(raw), abs=1e-6)
    latest, first = calibrations.versions(session, forums.get_forum(session, "cooks").id)
    assert (first.ended_by, latest.ended_at) == ("Ana", None)


def test_few_decisions_are_told_how_many_more_it_takes(session: Session) -> None:
    seeded = make_pairs(session, 30, 1, shift=-3.0)
    found = propose(session, seeded.forum)

    with pytest.raises(CannotLearnError, match=f"{NEEDED - found.duplicates} more of duplicate"):
        recalibrate(session, "cooks", actor="Ana")

    assert found.learnt is None
    assert found.duplicates + found.others == 30


def test_what_would_be_no_better_is_refused(session: Session) -> None:
    seeded = make_pairs(session, 300, 10, shift=-2.0)
    better = propose(session, seeded.forum).learnt
    assert better is not None
    put_in_force(session, "cooks", replace(better, shift=better.shift + 0.01))

    with pytest.raises(CannotLearnError, match="not be clearly better"):
        recalibrate(session, "cooks", actor="Ana")


def test_decisions_that_contradict_the_scores_are_refused_in_words(session: Session) -> None:
    seeded = make_pairs(session, 120, 10, shift=0.0)
    opposite = case((Pair.score < 0.75, "duplicate"), else_="not_duplicate")
    session.execute(update(Pair).where(Pair.status != PairStatus.FLAGGED).values(status=opposite))

    found = propose(session, seeded.forum)

    assert min(found.duplicates, found.others) >= NEEDED
    assert found.refusal is not None
    assert "in 0 of 100 cases a pair decided as duplicate has a higher score" in found.refusal
    with pytest.raises(CannotLearnError, match="do not follow the scores"):
        recalibrate(session, "cooks", actor="Ana")


def test_the_same_decisions_are_not_learnt_twice(session: Session) -> None:
    make_pairs(session, 300, 10, shift=-2.0)
    recalibrate(session, "cooks", actor="Ana")

    with pytest.raises(CannotLearnError, match="already fitted to these decisions"):
        recalibrate(session, "cooks", actor="Ana")

    found = propose(session, forums.get_forum(session, "cooks"))
    assert (found.learnt, found.trial) == (None, None)  # its errors would not be held out


def test_only_decisions_on_scores_of_the_models_in_use_count(session: Session) -> None:
    seeded = make_pairs(session, 200, 5, shift=-2.0)
    recalibrate(session, "cooks", actor="Ana")
    other = models.ensure_model(session, kind=ModelKind.RERANKER, name="new", digest="n")

    models.activate(session, other.id)

    forum = forums.get_forum(session, "cooks")
    assert in_force(session, forum) is None
    found = propose(session, seeded.forum)
    assert (found.duplicates, found.others) == (0, 0)
    make_active(session)
    assert in_force(session, forum) is not None


def test_pairs_of_the_same_text_linked_or_joined_keep_their_score(session: Session) -> None:
    seeded = make_pairs(session, 4, 0, shift=0.0)
    ids = make_active(session)
    kinds = (PairKind.SAME_TEXT, PairKind.KNOWN, PairKind.JOINED)
    for pair_id, kind in zip(sorted(state(session)), kinds, strict=False):
        values = {"kind": kind, "status": PairStatus.WITHDRAWN, "score": 1.0}
        session.execute(update(Pair).where(Pair.id == pair_id).values(values))

    put_in_force(session, "cooks", learnt(*ids, shift=-9.0))

    after = state(session)
    assert [after[pair_id][1] for pair_id in sorted(after)][:3] == [1.0] * 3
    thresholds.apply(session, seeded.forum, 0.9, chosen=0.9, observe_only=False, actor="Ana")
    shown = session.execute(select(Pair.kind).where(Pair.status == PairStatus.FLAGGED)).scalars()
    assert list(shown) == [PairKind.SAME_TEXT]


def test_a_forum_that_observes_shows_nobody_what_rises(session: Session) -> None:
    make_pairs(session, 2, 30, shift=0.0)
    ids = make_active(session)
    session.execute(
        update(Pair).where(Pair.status == PairStatus.FLAGGED).values(status=PairStatus.WITHDRAWN)
    )
    forums.update_forum(session, "cooks", observe_only=True)

    put_in_force(session, "cooks", learnt(*ids, shift=3.0))

    found = session.execute(
        select(Pair.status, func.count()).where(Pair.decided_by.is_(None)).group_by(Pair.status)
    )
    assert found.all() == [(PairStatus.OBSERVED, 30)]


def _calibrate(sessions: Factory, forum: ForumRow, *, shift: float) -> CalibrationRow:
    made = make_models(sessions)
    with sessions.begin() as session:
        models.activate(session, made.cross_encoder.id)
        models.activate(session, made.bi_encoder.id)
        what = learnt(made.cross_encoder.id, made.bi_encoder.id, shift=shift)
        return put_in_force(session, forum.name, what)


def test_workers_score_by_the_forums_calibration(sessions: Factory) -> None:
    titles = ("How do I boil an egg", "How do I boil an egg well")
    plain = submit(sessions, *titles, forum="plain")
    forum = submit(sessions, *titles)
    calibration = _calibrate(sessions, forum, shift=-1.0)

    drain(sessions)

    with sessions.begin() as session:
        own = session.execute(select(Pair).where(Pair.forum_id == plain.id)).scalar_one()
        ours = session.execute(select(Pair).where(Pair.forum_id == forum.id)).scalar_one()
    assert (own.raw_score, own.calibration_id) == (None, None)
    assert ours.raw_score == pytest.approx(own.score, abs=1e-6)
    assert ours.calibration_id == calibration.id
    moved = Line(1.0, -1.0).probability(np.array([own.score]))[0]
    assert ours.score == pytest.approx(moved, abs=1e-5)
    made = make_models(sessions)
    answers = [
        Checker(sessions, made, Limits()).answer(
            CheckRequest(forum_id=one.id, title="How do I boil one egg well")
        )
        for one in (plain, forum)
    ]
    scores = [answer.duplicates[0].score for answer in answers]
    assert scores[1] == pytest.approx(
        Line(1.0, -1.0).probability(np.array(scores[:1]))[0], abs=1e-5
    )


def test_a_calibration_below_the_threshold_flags_nothing(sessions: Factory) -> None:
    forum = submit(sessions, "How do I boil an egg", "How do I boil an egg well")
    _calibrate(sessions, forum, shift=-8.0)

    drain(sessions)

    with sessions.begin() as session:
        assert session.execute(select(Pair.id)).all() == []


def test_scores_of_the_calibration_before_are_not_written(session: Session) -> None:
    seeded = make_pairs(session, 0, 1, shift=0.0)
    ids = make_active(session)
    finding = Finding(
        question_id=seeded.questions[0],
        candidate_id=seeded.questions[1],
        kind=PairKind.MODEL,
        score=0.9,
    )
    provenance = Provenance(
        reranker_id=ids[0], bi_encoder_id=ids[1], threshold=0.5, observe_only=False
    )
    read = dict.fromkeys(seeded.questions, 1)
    pairs.save_findings(session, seeded.forum.id, [finding], provenance, read=read)

    put_in_force(session, "cooks", learnt(*ids, shift=-1.0))

    with pytest.raises(StaleScoresError):
        pairs.save_findings(session, seeded.forum.id, [finding], provenance, read=read)


def test_a_calibration_beside_busy_workers_reaches_every_pair(committed: Factory) -> None:
    forum = submit(committed, *(f"where to buy lamp {n}" for n in range(24)), forum="busy")
    drain(committed)
    made = make_models(committed)
    with committed.begin() as session:
        models.activate(session, made.cross_encoder.id)
        models.activate(session, made.bi_encoder.id)
    stop = threading.Event()
    checked: list[int] = []

    def work() -> None:
        while not stop.is_set():
            with committed.begin() as session:
                ids = session.execute(select(Question.id)).scalars().all()
                jobs.put(session, [(one, 5) for one in ids], forum_id=forum.id, lane=Lane.LIVE)
            checked.append(drain(committed))

    worker = threading.Thread(target=work)
    worker.start()
    for round_ in range(4):
        _calibrate(committed, forum, shift=0.2 * round_)
        done = len(checked)
        wait_until(lambda done=done: len(checked) > done + 1, timeout_s=60)  # type: ignore[misc]
    stop.set()
    worker.join()

    with committed.begin() as session:
        stands = forums.get_forum(session, "busy").calibration
        assert stands is not None
        scored = select(Pair.calibration_id, Pair.score, Pair.raw_score)
        rows = session.execute(scored.where(Pair.kind == PairKind.MODEL)).all()
    assert {row.calibration_id for row in rows} == {stands.id}
    raw = np.array([row.raw_score for row in rows], dtype=np.float64)
    line = Line(stands.slope, stands.shift)
    assert [row.score for row in rows] == pytest.approx(line.probability(raw), abs=1e-4)


def test_a_pair_joined_by_hand_says_so(session: Session) -> None:
    seeded = seed_questions(session, *(f"egg {n}" for n in range(4)))
    for one, other in ((0, 1), (2, 3)):
        say(session, seeded, flag(session, seeded, one, other))
    ids = [row.id for row in groups.list_groups(session, seeded.forum.id)]

    bulk.join(session, seeded.forum.id, ids, actor="Ana")

    kinds = session.execute(select(Pair.kind).order_by(Pair.id)).scalars().all()
    assert kinds == [PairKind.MODEL, PairKind.MODEL, PairKind.JOINED]
