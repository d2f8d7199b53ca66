from datetime import timedelta

import pytest
from sqlalchemy import func, text, update
from sqlalchemy.orm import Session, sessionmaker

from db.questions import questions, saving
from db.questions.rows import Outcome, State
from db.tables.questions import Job
from db.work import backlog, jobs
from db.work.rows import Claim, Lane
from tests.rows.factories import finish, make_forum, new_question, save_questions

Factory = sessionmaker[Session]


def claim(session: Session, *, token_budget: int = 10_000, limit: int = 100) -> Claim:
    return jobs.claim(session, Lane.LIVE, token_budget=token_budget, limit=limit, lease_s=60)


def test_saving_twice_owes_work_once(session: Session) -> None:
    forum = make_forum(session)

    first = save_questions(session, forum, "How do I boil an egg?")
    second = save_questions(session, forum, "How do I boil an egg?")

    assert [s.outcome for s in first + second] == [Outcome.CREATED, Outcome.UNCHANGED]
    assert len(claim(session).questions) == 1


def test_an_edit_of_the_text_owes_work_again_and_an_edit_of_the_body_does_not(
    session: Session,
) -> None:
    forum = make_forum(session)
    save_questions(session, forum, "How do I boil an egg?")
    held = claim(session)
    finish(session, held.lease, [held.questions[0].id])

    body = new_question("How do I boil an egg?", body="Soft, please.")
    text = new_question("How do I poach an egg?")
    outcomes = [saving.save(session, forum, [i], lane=Lane.LIVE)[0].outcome for i in (body, text)]

    assert outcomes == [Outcome.UPDATED, Outcome.CHANGED]
    assert questions.get(session, forum.id, "1").text_version == 2
    assert questions.get(session, forum.id, "1").state is State.PENDING


def test_a_claim_stays_within_its_token_budget_but_takes_at_least_one(session: Session) -> None:
    forum = make_forum(session)
    save_questions(session, forum, "a " * 200, "b " * 200)

    held = claim(session, token_budget=10)

    assert len(held.questions) == 1
    assert held.more


def test_two_claims_never_share_a_question(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        save_questions(session, make_forum(session), *(f"question {n}" for n in range(6)))

    with committed.begin() as one, committed.begin() as two:
        first, second = claim(one, limit=4), claim(two, limit=4)

    ids = [q.id for q in (*first.questions, *second.questions)]
    assert len(ids) == len(set(ids)) == 6


def test_forums_share_a_claim_fairly(session: Session) -> None:
    save_questions(session, make_forum(session, "big"), *(f"big {n}" for n in range(50)))
    small = make_forum(session, "small")
    save_questions(session, small, "small 1", "small 2")

    held = claim(session, limit=8)

    assert sum(q.forum_id == small.id for q in held.questions) == 2


def test_a_run_out_lease_is_claimed_again_and_the_late_worker_writes_nothing(
    session: Session,
) -> None:
    forum = make_forum(session)
    (saved,) = save_questions(session, forum, "How do I boil an egg?")
    late = claim(session)
    session.execute(update(Job).values(due_at=func.now() - timedelta(seconds=1)))

    early = claim(session)

    assert [q.id for q in early.questions] == [saved.id]
    assert finish(session, late.lease, [saved.id]) == set()
    assert finish(session, early.lease, [saved.id]) == {saved.id}


def test_an_edit_takes_the_question_from_the_worker_that_holds_it(session: Session) -> None:
    forum = make_forum(session)
    (saved,) = save_questions(session, forum, "How do I boil an egg?")
    held = claim(session)

    save_questions(session, forum, "How do I fry an egg?")

    assert finish(session, held.lease, [saved.id]) == set()
    assert questions.get(session, forum.id, "1").state is State.PENDING


def test_what_keeps_failing_is_set_aside_and_can_be_retried(session: Session) -> None:
    forum = make_forum(session)
    (saved,) = save_questions(session, forum, "How do I boil an egg?")
    for _ in range(jobs.MAX_ATTEMPTS):
        session.execute(update(Job).values(due_at=func.now()))
        held = claim(session)
        aside = jobs.fail(session, held.lease, [saved.id], "no such luck")

    assert aside == [saved.id]
    assert questions.get(session, forum.id, "1").state is State.FAILED
    assert questions.get(session, forum.id, "1").error == "no such luck"
    assert jobs.retry(session) == 1
    assert questions.get(session, forum.id, "1").state is State.PENDING


def test_a_question_that_kills_its_workers_is_set_aside(session: Session) -> None:
    forum = make_forum(session)
    save_questions(session, forum, "How do I boil an egg?")
    for _ in range(jobs.MAX_ATTEMPTS):
        session.execute(update(Job).values(due_at=func.now()))
        claim(session)
    session.execute(update(Job).values(due_at=func.now()))

    assert claim(session).questions == []
    assert jobs.set_aside_crashed(session) == 1


def test_released_work_costs_no_attempt(session: Session) -> None:
    forum = make_forum(session)
    (saved,) = save_questions(session, forum, "How do I boil an egg?")
    held = claim(session)

    jobs.release(session, held.lease, [saved.id])

    assert questions.get(session, forum.id, "1").attempts == 0
    assert len(claim(session).questions) == 1


def test_the_drain_rate_counts_what_was_done(session: Session) -> None:
    forum = make_forum(session)
    saved = save_questions(session, forum, *(f"question {n}" for n in range(18)))
    held = claim(session)
    finish(session, held.lease, [one.id for one in saved])

    assert jobs.drain_rate(session, forum.id, Lane.LIVE) == 18 / 180
    assert jobs.count_pending(session, forum.id, Lane.LIVE, cap=10) == 0


def die(session: Session) -> Claim:
    """Claim what is due and never come back: the lease runs out."""
    held = claim(session)
    session.execute(update(Job).values(due_at=func.now()))
    return held


def test_who_was_claimed_with_a_worker_that_died_pays_nothing_and_is_tried_alone(
    session: Session,
) -> None:
    forum = make_forum(session)
    saved = save_questions(session, forum, *(f"question {n}" for n in range(6)))
    assert len(die(session).questions) == 6

    alone = [claim(session).questions for _ in saved]

    assert [[one.attempts for one in held] for held in alone] == [[1]] * 6
    assert sorted(held[0].id for held in alone) == [one.id for one in saved]


def test_workers_killed_without_end_set_no_innocent_question_aside(session: Session) -> None:
    forum = make_forum(session)
    save_questions(session, forum, *(f"question {n}" for n in range(6)))
    for _ in range(3 * jobs.MAX_ATTEMPTS):
        die(session)  # each time with the whole batch, as if nobody had suspected anything yet
        session.execute(update(Job).values(lease=None))

    assert jobs.set_aside_crashed(session) == 0
    assert len(claim(session).questions) == 6


def test_a_suspect_waits_for_its_turn_and_no_longer(session: Session) -> None:
    forum = make_forum(session)
    save_questions(session, forum, "question 1")
    die(session)
    session.execute(update(Job).values(due_at=func.now() - timedelta(seconds=5)))
    save_questions(session, forum, "question 2", "question 3", first=2)
    session.execute(
        update(Job).where(Job.lease.is_(None)).values(due_at=func.now() - timedelta(seconds=2))
    )

    first, second = claim(session), claim(session)

    assert ([one.title for one in first.questions], first.more) == (["question 1"], True)
    assert [one.title for one in second.questions] == ["question 2", "question 3"]


def test_the_backlogs_age_counts_from_when_the_work_became_due(session: Session) -> None:
    forum = make_forum(session)
    save_questions(session, forum, "question 1", "question 2")
    week = timedelta(days=7)
    session.execute(
        update(Job).values(
            created_at=func.now() - week, failed_at=func.now(), attempts=jobs.MAX_ATTEMPTS
        )
    )

    jobs.retry(session)
    after_retry = backlog.oldest_due_s(session)["live"]
    session.execute(update(Job).values(created_at=func.now() - week))
    waiting = backlog.oldest_due_s(session)["live"]
    save_questions(session, forum, "question one", "question two")

    assert after_retry < 60
    assert waiting == pytest.approx(week.total_seconds(), abs=60)
    assert backlog.oldest_due_s(session)["live"] < 60


def test_a_claim_does_not_wait_for_the_disk_and_what_follows_does(committed: Factory) -> None:
    with committed.begin() as session:
        save_questions(session, make_forum(session, "cooks"), "How do I boil an egg")

    with committed.begin() as session:
        held = claim(session)
        during = session.execute(text("SHOW synchronous_commit")).scalar_one()
    with committed.begin() as session:
        after = session.execute(text("SHOW synchronous_commit")).scalar_one()

    assert len(held.questions) == 1
    assert (during, after) == ("off", "on")
