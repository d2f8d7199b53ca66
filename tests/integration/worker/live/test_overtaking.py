"""What happens to a question while it is checked: hidden, shown, edited, erased, checked again."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from db.errors import QuestionNotFoundError
from db.questions import questions, saving
from db.questions.rows import NewQuestion, QuestionRow, State
from db.rows import PairStatus
from db.tables.pairs import Event, Pair
from db.tenants.rows import ForumRow
from db.work import jobs
from db.work.rows import Lane
from tests.integration.worker.live.test_pipeline import drain, found, make_models, submit
from tests.rows.factories import make_forum, new_question
from worker.inference.cascade import Scores
from worker.live import pipeline, recheck
from worker.matching.matcher import Matcher
from worker.matching.models import Limits
from worker.matching.near import Near
from worker.scoring.traits import Traits
from worker.text.normal import Seen

Factory = sessionmaker[Session]
TEXT = "How do I boil an egg"
LONG = "How do I boil an egg well"
OTHER = "Best train to Rome"


def put(sessions: Factory, name: str, title: str = TEXT, *, visible: bool = True) -> ForumRow:
    with sessions.begin() as session:
        forum = make_forum(session)
        item = new_question(title, external_id=name, visible=visible)
        saving.save(session, forum, [item], lane=Lane.LIVE)
    return forum


def erase(sessions: Factory, forum: ForumRow, name: str) -> None:
    with sessions.begin() as session:
        questions.erase(session, forum.id, name, actor="forum")


def events(sessions: Factory) -> list[str]:
    with sessions.begin() as session:
        return list(session.execute(select(Event.kind).order_by(Event.id)).scalars())


def overtaken_by(monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[], object]) -> None:
    """Let *act* happen once, while the models are at *step*, outside any transaction."""
    whole, waiting = getattr(pipeline, step), [act]

    def slowed(*args: object, **options: object) -> object:
        for todo in waiting:
            waiting.clear()
            todo()
        return whole(*args, **options)

    monkeypatch.setattr(pipeline, step, slowed)


@pytest.mark.parametrize("second", [TEXT, LONG], ids=["twins", "paraphrases"])
@pytest.mark.parametrize(
    ("hidden", "shown"),
    [("12", "12"), ("12", "21"), ("1", "1"), ("2", "2")],
    ids=["both, the first shown first", "both, the second shown first", "the first", "the second"],
)
@pytest.mark.parametrize("is_checked_between", [True, False])
def test_what_was_hidden_and_is_shown_again_meets_what_is_like_it(
    sessions: Factory, hidden: str, shown: str, second: str, is_checked_between: bool
) -> None:
    titles = {"1": TEXT, "2": second}
    for name, title in titles.items():
        forum = put(sessions, name, title, visible=name not in hidden)
        drain(sessions)
    if "1" in hidden:  # else the second saw the first when it was checked
        assert about(sessions, forum) == []

    for name in shown:
        put(sessions, name, titles[name])
        if is_checked_between:
            drain(sessions)
    drain(sessions)

    assert [one for one, _ in found(sessions, forum, "1")] == ["2"]
    assert [one for one, _ in found(sessions, forum, "2")] == ["1"]


def test_only_what_is_shown_again_owes_work_beside_a_new_text(session: Session) -> None:
    forum = make_forum(session)
    owed = []
    for visible, url in product((True, False), ("a", "b")):
        item = new_question(TEXT, visible=visible, body=url)
        (saved,) = saving.save(session, forum, [item], lane=Lane.LIVE)
        owed.append(saved.owes_work)
    (again,) = saving.save(session, forum, [new_question(TEXT, body="b")], lane=Lane.LIVE)

    assert owed == [True, False, False, False]
    assert again.owes_work


@pytest.mark.parametrize("hides", [True, False], ids=["hidden", "shown"])
def test_hiding_or_showing_beside_the_writing_of_vectors_counts(
    sessions: Factory, monkeypatch: pytest.MonkeyPatch, hides: bool
) -> None:
    put(sessions, "1", LONG)
    drain(sessions)
    forum = put(sessions, "2", visible=hides)
    overtaken_by(monkeypatch, "embed", lambda: put(sessions, "2", visible=not hides))

    drain(sessions)
    drain(sessions)
    put(sessions, "3", LONG)
    drain(sessions)

    names = {one for one, _ in found(sessions, forum, "3")}
    assert ("2" in names) is not hides


def about(sessions: Factory, forum: ForumRow) -> list[tuple[str, str]]:
    with sessions.begin() as session:
        rows = session.execute(select(Pair.status, Pair.kind).where(Pair.forum_id == forum.id))
        return [(row.status, row.kind) for row in rows]


@pytest.mark.parametrize("edited", ["1", "2"], ids=["the candidate", "the question itself"])
@pytest.mark.parametrize("second", [TEXT, LONG], ids=["twins", "paraphrases"])
def test_an_edit_that_overtakes_a_check_leaves_no_pair_about_the_old_text(
    sessions: Factory, monkeypatch: pytest.MonkeyPatch, edited: str, second: str
) -> None:
    put(sessions, "1")
    drain(sessions)

    def edit() -> None:
        put(sessions, edited, OTHER)
        drain(sessions)  # by another worker, which is done before the first one writes

    forum = put(sessions, "2", second)
    overtaken_by(monkeypatch, "scored_where_readable", edit)
    drain(sessions)

    assert about(sessions, forum) == []
    put(sessions, edited, LONG)
    drain(sessions)
    assert [status for status, _ in about(sessions, forum)] == [PairStatus.FLAGGED]


@pytest.mark.parametrize("erased", ["1", "2"], ids=["the candidate", "the question itself"])
@pytest.mark.parametrize("step", ["embed", "scored_where_readable"])
def test_a_question_erased_while_it_is_checked_stays_erased(
    sessions: Factory, monkeypatch: pytest.MonkeyPatch, erased: str, step: str
) -> None:
    put(sessions, "1")
    drain(sessions)
    forum = put(sessions, "2", LONG)
    overtaken_by(monkeypatch, step, lambda: erase(sessions, forum, erased))

    drain(sessions)

    assert about(sessions, forum) == []
    assert events(sessions) == ["question.erased"]
    with sessions.begin() as session, pytest.raises(QuestionNotFoundError):
        questions.get(session, forum.id, erased)


def test_a_pair_is_told_of_once_however_often_it_is_scored(
    sessions: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    forum = submit(sessions, TEXT, LONG)
    drain(sessions)
    whole = Matcher.score

    def other(
        self: Matcher, texts: Sequence[Seen], near: Near, traits: Traits | None = None
    ) -> Scores:
        scores = whole(self, texts, near, traits)
        return replace(scores, probability=scores.probability * 0.99)

    monkeypatch.setattr(Matcher, "score", other)
    with sessions.begin() as session:
        owed = [(questions.get(session, forum.id, name).id, 5) for name in ("1", "2")]
    for one in owed:  # as after a worker that died with one of them
        with sessions.begin() as session:
            jobs.put(session, [one], forum_id=forum.id, lane=Lane.LIVE)
        drain(sessions)

    told = events(sessions)
    assert told.count("pair.flagged") == 1
    assert set(told) == {"pair.flagged", "pair.rescored"}


def test_two_workers_at_one_pair_tell_of_it_once(committed: Factory) -> None:
    made, rounds = make_models(committed), 8
    for number in range(rounds):
        forum = submit(committed, f"where to buy lamp {number}", forum=f"twice{number}")
        submit(committed, f"where to buy a lamp {number}", first=2, forum=forum.name)
        start = threading.Barrier(2)

        def work(start: threading.Barrier = start) -> None:
            with committed.begin() as session:
                claim = jobs.claim(session, Lane.LIVE, token_budget=1, limit=1, lease_s=60)
            pipeline.Pipeline(committed, made, Limits())._embed(claim.questions)  # noqa: SLF001
            start.wait()
            pipeline.Pipeline(committed, made, Limits()).process(claim.questions, claim.lease)

        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    told = events(committed)
    assert told.count("pair.flagged") == rounds
    assert set(told) <= {"pair.flagged", "pair.rescored"}


@pytest.mark.parametrize("act", ["edit", "erase"])
def test_a_recheck_neither_undoes_an_edit_nor_brings_back_what_was_erased(
    committed: Factory, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    forum = submit(committed, TEXT, LONG, forum="again")
    drain(committed)
    whole = recheck._again  # noqa: SLF001
    beside: list[threading.Thread] = []

    def between() -> None:
        if act == "erase":
            erase(committed, forum, "1")
        else:
            submit(committed, OTHER, forum="again")

    def again(row: QuestionRow, its: ForumRow) -> NewQuestion:
        if not beside:  # the recheck has read the question and not written it yet
            beside.append(threading.Thread(target=between))
            beside[0].start()
            beside[0].join(0.5)
        return whole(row, its)

    monkeypatch.setattr(recheck, "_again", again)
    recheck.owe_again(committed, forum, on_done=lambda _: None)
    beside[0].join()

    drain(committed, lane=Lane.ARCHIVE)
    drain(committed)
    with committed.begin() as session:
        left = {row.external_id: row for row in all_of(session, forum)}
    if act == "erase":
        assert set(left) == {"2"}
    else:
        assert left["1"].title == OTHER
        assert left["1"].state is State.DONE


def all_of(session: Session, forum: ForumRow) -> list[QuestionRow]:
    return questions.list_questions(session, forum.id, after=0, limit=9)
