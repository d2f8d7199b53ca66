"""Questions read and erased."""

import threading
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from db.groups import groups
from db.outbox import webhooks
from db.questions import questions
from db.rows import Provenance, SearchScope, Within
from db.tables.questions import Job
from tests.integration.db.two_forums import Calls, Side, TwoForums
from tests.rows.factories import NO_MODELS, make_forum, new_question, save_questions
from tests.rows.review import flag, say, seed_questions

Factory = sessionmaker[Session]


def _provenance(own: Side) -> Provenance:
    return Provenance(
        bi_encoder_id=own.bi_encoder.id,
        reranker_id=own.reranker.id,
        threshold=0.5,
        observe_only=False,
    )


def held(session: Session, own: Side) -> UUID:
    """Hold the jobs of the own forum alone, and return the lease."""
    lease = uuid4()
    session.execute(update(Job).where(Job.forum_id == own.id).values(lease=lease))
    return lease


class TestTwoForums(TwoForums):
    module = questions
    calls: ClassVar[Calls] = {
        "in_scope": lambda session, own: questions.in_scope(
            session,
            SearchScope(days=99, within=Within.CATEGORY),
            [(own.questions[0], own.questions[1])],
        ),
        "answered": lambda session, own: questions.answered(session, own.questions),
        "get": lambda session, own: questions.get(session, own.id, "q1"),
        "answer": lambda session, own: questions.answer(session, own.id, "q1"),
        "list_questions": lambda session, own: questions.list_questions(
            session, own.id, after=0, limit=99
        ),
        "erase": lambda session, own: questions.erase(session, own.id, "q1", actor="ana"),
        "same_text": lambda session, own: questions.same_text(
            session, own.id, [new_question("How do I boil eggs, stranger?").text_digest], limit=9
        ),
        "undecided_partners": lambda session, own: questions.undecided_partners(
            session, own.questions
        ),
        "texts": lambda session, own: questions.texts(session, own.questions),
        "mark_checked": lambda session, own: questions.mark_checked(
            session, own.questions, _provenance(own)
        ),
        "finish": lambda session, own: questions.finish(
            session, own.id, held(session, own), own.questions, _provenance(own)
        ),
        "lock": lambda session, own: questions.lock(session, own.questions),
        "lock_unchanged": lambda session, own: questions.lock_unchanged(
            session, dict.fromkeys(own.questions, 1)
        ),
    }


def test_erasing_and_deciding_wait_for_each_other_in_one_order(committed: Factory) -> None:
    with committed.begin() as session:
        seeded = seed_questions(session, "Egg", "Eggs", forum="orders")
        pair = flag(session, seeded, 0, 1)
    erased: list[BaseException | None] = []

    def erase() -> None:
        try:
            with committed.begin() as session:
                questions.erase(session, seeded.forum.id, "q-1", actor="forum")
            erased.append(None)
        except OperationalError as error:
            erased.append(error)

    other = threading.Thread(target=erase)
    with committed.begin() as session:
        groups.lock(session, seeded.forum.id)  # what a decision does first
        other.start()
        other.join(0.5)  # it waits by now
        say(session, seeded, pair)
    other.join()

    assert erased == [None]
    with committed.begin() as session:
        assert groups.list_groups(session, seeded.forum.id) == []


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("heard", [True, False], ids=["a webhook wants it", "nobody wants it"])
def test_the_end_of_work_waits_neither_for_the_disk_nor_for_events_that_nobody_wants(
    committed: Factory, alone: bool, heard: bool
) -> None:
    with committed.begin() as session:
        forum = make_forum(session)
        ids = {one.id for one in save_questions(session, forum, "Egg", "Eggs")}
        lease = uuid4()
        session.execute(update(Job).values(lease=lease))
        if heard:
            webhooks.create(session, forum.id, url="https://a.example", kinds=["question.checked"])

    with committed.begin() as session:
        done, is_wanted = questions.finish(
            session, forum.id, lease, list(ids), NO_MODELS, alone=alone
        )
        commit = session.execute(text("SHOW synchronous_commit")).scalar_one()

    assert (done, is_wanted) == (set() if alone and heard else ids, heard)
    assert commit == ("off" if alone else "on")
