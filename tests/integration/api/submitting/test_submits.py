"""Single questions that are stored together: what one of them meets, the others do not."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from api.deps import Services
from api.submitting.submits import Submit, Submits
from db.errors import QuestionOutdatedError
from db.questions import erasures, saving
from db.questions.rows import NewQuestion, Outcome
from db.tables.questions import Job, Question
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from tests.rows.factories import new_question
from tests.servers.api_service import Factory, NotingQueue, make_settings


@pytest.fixture
def forum(committed: Factory) -> ForumRow:
    with committed.begin() as session:
        return forums.ensure_forum(session, "cooks")


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions each statement was given."""
    sizes: list[int] = []
    create = saving.create

    def noting(*given: Any, **named: Any) -> Any:
        sizes.append(len(given[2]))
        return create(*given, **named)

    monkeypatch.setattr(saving, "create", noting)
    return sizes


def store(
    sessions: Factory, queue: NotingQueue, *sent: tuple[ForumRow, NewQuestion]
) -> Sequence[Any]:
    """Store questions that wait for a thread at the same moment; return what each met."""

    async def run() -> Sequence[Any]:
        with ThreadPoolExecutor(4) as threads:
            submits = Submits(Services(make_settings(), sessions, queue).store, threads)
            free = threading.Event()
            for _ in range(4):
                threads.submit(free.wait, 10)
            waiting = [submits.store(Submit(forum, item, None)) for forum, item in sent]
            tasks = [asyncio.create_task(one) for one in waiting]
            await asyncio.sleep(0)
            free.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(run())


def named(*names: str) -> list[NewQuestion]:
    return [new_question(f"How do I cook {name}?", external_id=name) for name in names]


def test_they_share_a_statement_and_a_message(
    committed: Factory, forum: ForumRow, together: list[int]
) -> None:
    queue = NotingQueue()

    done = store(committed, queue, *((forum, one) for one in named("eggs", "rice", "peas")))

    assert together == [3]
    assert queue.woken == [Lane.LIVE]
    assert [(saved.outcome, answer.id) for saved, answer in done] == [
        (Outcome.CREATED, "eggs"), (Outcome.CREATED, "rice"), (Outcome.CREATED, "peas")
    ]  # fmt: skip
    with committed.begin() as session:
        stored = session.execute(select(Question.id, Question.external_id)).all()
        assert {row.external_id: row.id for row in stored} == {
            answer.id: saved.id for saved, answer in done
        }
        assert set(session.execute(select(Job.question_id)).scalars()) == {r.id for r in stored}


def test_each_has_the_tokens_facts_and_texts_of_its_own(
    committed: Factory, forum: ForumRow
) -> None:
    short, long = named("eggs", "rice")
    long = replace(long, title="Rice? " * 20, body="100% of it: 'so' \\ %(so)s", tokens=40)

    done = store(committed, NotingQueue(), (forum, long), (forum, short))

    assert [answer.title for _, answer in done] == [long.title, short.title]
    assert done[0][1].body == long.body
    with committed.begin() as session:
        tokens = select(Question.external_id, Question.body, Job.tokens).join(
            Job, Job.question_id == Question.id
        )
        assert {tuple(row) for row in session.execute(tokens)} == {
            ("eggs", "", short.tokens), ("rice", long.body, 40)
        }  # fmt: skip


def test_forums_do_not_share(committed: Factory, forum: ForumRow, together: list[int]) -> None:
    with committed.begin() as session:
        other = forums.ensure_forum(session, "bakers")
    eggs, rice = named("eggs", "rice")

    store(committed, NotingQueue(), (forum, eggs), (other, eggs), (forum, rice))

    assert sorted(together) == [1, 2]
    with committed.begin() as session:
        counts = select(Question.forum_id, func.count()).group_by(Question.forum_id)
        assert {tuple(row) for row in session.execute(counts)} == {(forum.id, 2), (other.id, 1)}


def test_known_and_repeated_ids_are_edits(committed: Factory, forum: ForumRow) -> None:
    (eggs,) = named("eggs")
    store(committed, NotingQueue(), (forum, eggs))
    queue = NotingQueue()

    done = store(
        committed, queue, *((forum, one) for one in [eggs, *named("rice"), *named("rice")])
    )

    outcomes = [saved.outcome for saved, _ in done]
    assert outcomes == [Outcome.UNCHANGED, Outcome.CREATED, Outcome.UNCHANGED]
    assert queue.woken == [Lane.LIVE]


def test_one_that_was_erased_later_is_refused_and_the_others_are_stored(
    committed: Factory, forum: ForumRow
) -> None:
    eggs, rice = named("eggs", "rice")
    with committed.begin() as session:
        erasures.note(session, forum.id, "eggs", revision=5)

    done = store(committed, NotingQueue(), (forum, replace(eggs, revision=4)), (forum, rice))

    assert isinstance(done[0], QuestionOutdatedError)
    assert done[1][0].outcome is Outcome.CREATED


def test_one_that_the_database_cannot_take_fails_alone(committed: Factory, forum: ForumRow) -> None:
    eggs, rice, peas = named("eggs", "rice", "peas")
    broken = replace(rice, revision=2**63)

    done = store(committed, NotingQueue(), *((forum, one) for one in (eggs, broken, peas)))

    assert isinstance(done[1], Exception)
    assert [done[place][0].outcome for place in (0, 2)] == [Outcome.CREATED] * 2


def test_one_that_somebody_else_is_storing_holds_up_no_other(
    committed: Factory, engine: Engine, forum: ForumRow
) -> None:
    eggs, rice, peas = named("eggs", "rice", "peas")
    stored = threading.Event()

    def free_rice_later(connection: Any) -> None:
        others = select(func.count()).where(Question.external_id.in_(["eggs", "peas"]))
        for _ in range(1_000):
            with committed.begin() as session:
                if session.execute(others).scalar_one() == 2:
                    stored.set()
                    break
        connection.commit()

    with engine.connect() as other:
        other.execute(
            text(
                "INSERT INTO questions (forum_id, external_id, title, text_fields, text_digest,"
                " content_digest) VALUES (:forum, 'rice', 'Rice?', 'title', 'a', 'b')"
            ),
            {"forum": forum.id},
        )
        freeing = threading.Thread(target=free_rice_later, args=(other,))
        freeing.start()
        done = store(committed, NotingQueue(), *((forum, one) for one in (eggs, rice, peas)))
        freeing.join()

    assert stored.is_set()
    outcomes = [saved.outcome for saved, _ in done]
    assert outcomes == [Outcome.CREATED, Outcome.CHANGED, Outcome.CREATED]
