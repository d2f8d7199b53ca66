import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session, sessionmaker

from db.pairs import pairs
from db.questions import questions, saving
from db.questions.rows import NewQuestion, State
from db.rows import PairStatus
from db.tables.pairs import Event, Pair
from db.tables.questions import Embedding
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.vectors import embeddings, models, partitions
from db.vectors.rows import ModelKind
from db.work import jobs
from db.work.rows import Lane
from tests.rows.factories import make_forum, new_question, save_questions
from worker.inference.testing import WordEncoder, WordReranker
from worker.live.check import Checker
from worker.live.drain import Drain
from worker.live.pipeline import Pipeline
from worker.live.recheck import owe_again
from worker.matching.models import Limits, Models
from worker.queue import CheckAnswer, CheckRequest
from worker.scoring.calibration import Calibration
from worker.scoring.fusion import Fusion
from worker.text.intake import Submission, question_of
from worker.text.normal import first_digest

Factory = sessionmaker[Session]
WORDS = ["egg", "rice", "soup", "bread", "salt", "oil", "pan", "oven", "fish", "leek"]


class NoQueue:
    def wake(self, lane: Lane) -> bool:
        self.lane = lane
        return True

    def check(self, request: CheckRequest, *, timeout_s: float) -> CheckAnswer:
        raise NotImplementedError

    def finished(self) -> Iterator[list[int]]:
        return iter(())

    def ping(self) -> None: ...
    def measured(self) -> Mapping[tuple[str, ...], float]:
        return {}


def make_models(
    sessions: Factory, encoder: WordEncoder | None = None, *, density: float = 0.0
) -> Models:
    encoder = encoder or WordEncoder()
    calibration = Calibration(
        cosine_floor=0.3, asymmetry=0.4, threshold=0.6, logit_only=Fusion(density=density)
    )
    reranker = WordReranker(calibration)
    with sessions.begin() as session:
        bi_encoder = models.ensure_model(
            session,
            kind=ModelKind.BI_ENCODER,
            name=encoder.name,
            digest=encoder.digest,
            dimension=encoder.dimension,
        )
        cross_encoder = models.ensure_model(
            session, kind=ModelKind.RERANKER, name=reranker.name, digest=reranker.digest
        )
        partitions.ensure_partition(session, bi_encoder)
    return Models(
        encoder=encoder, reranker=reranker, bi_encoder=bi_encoder, cross_encoder=cross_encoder
    )


def drain(
    sessions: Factory,
    encoder: WordEncoder | None = None,
    *,
    lane: Lane = Lane.LIVE,
    density: float = 0.0,
) -> int:
    pipeline = Pipeline(sessions, make_models(sessions, encoder, density=density), Limits())
    worker = Drain(
        lane,
        sessions=sessions,
        queue=NoQueue(),
        slice_s=5.0,
        token_budget=4096,
        claim_limit=256,
        lease_s=60,
    )
    return worker.run(pipeline.process)


def submit(sessions: Factory, *titles: str, first: int = 1, forum: str = "cooks") -> ForumRow:
    with sessions.begin() as session:
        row = make_forum(session, forum)
        save_questions(session, row, *titles, first=first)
    return row


def found(sessions: Factory, forum: ForumRow, external_id: str) -> list[tuple[str, str]]:
    with sessions.begin() as session:
        question = questions.get(session, forum.id, external_id)
        return [(d.id, d.kind) for d in pairs.duplicates(session, question.id)]


def test_a_paraphrase_and_a_twin_are_flagged_and_a_stranger_is_not(sessions: Factory) -> None:
    forum = submit(
        sessions,
        "How do I boil an egg",
        "how do I BOIL an egg?",
        "How do I boil an egg well",
        "Best train to Rome",
    )

    drain(sessions)

    assert found(sessions, forum, "1") == [("2", "same_text"), ("3", "model")]
    assert found(sessions, forum, "4") == []
    with sessions.begin() as session:
        assert questions.get(session, forum.id, "1").state is State.DONE


def test_a_pair_in_a_crowd_has_a_lower_score_in_a_live_forum_and_in_a_check(
    sessions: Factory,
) -> None:
    crowd = [f"how do i draw map number {one}" for one in range(20)]
    others = [f"where is {word} {one}" for one, word in enumerate(WORDS * 4)]
    asked = "how do i draw map number"
    live, checked = [], []
    for forum_name, weight in (("plain", 0.0), ("careful", 3.0)):
        submit(sessions, *others, *crowd, forum=forum_name)
        drain(sessions, density=weight)
        forum = submit(sessions, asked, first=100, forum=forum_name)
        drain(sessions, density=weight)
        checker = Checker(sessions, make_models(sessions, density=weight), Limits())
        answer = checker.answer(CheckRequest(forum_id=forum.id, title=f"{asked} please"))
        checked.append(answer.duplicates[0].score)
        with sessions.begin() as session:
            kept = pairs.duplicates(session, questions.get(session, forum.id, "100").id)
        live.append(kept[0].score)

    assert live[1] < live[0]
    assert checked[1] < checked[0]


def test_checking_twice_changes_nothing(sessions: Factory) -> None:
    forum = submit(sessions, "How do I boil an egg", "How do I boil an egg well")
    drain(sessions)
    with sessions.begin() as session:
        ids = [questions.get(session, forum.id, n).id for n in ("1", "2")]
        before = session.execute(select(Pair.id, Pair.version, Pair.score)).all()
        jobs.put(session, [(one, 5) for one in ids], forum_id=forum.id, lane=Lane.LIVE)

    drain(sessions)

    with sessions.begin() as session:
        assert session.execute(select(Pair.id, Pair.version, Pair.score)).all() == before
        assert len(session.execute(select(Event.id)).all()) == 1


def test_forums_never_see_each_other(sessions: Factory) -> None:
    one = submit(sessions, "How do I boil an egg", forum="one")
    two = submit(sessions, "How do I boil an egg", forum="two")

    drain(sessions)

    assert found(sessions, one, "1") == found(sessions, two, "1") == []


def test_a_hidden_question_is_offered_to_nobody(sessions: Factory) -> None:
    forum = submit(sessions, "How do I boil an egg well")
    drain(sessions)
    with sessions.begin() as session:
        hidden = new_question("How do I boil an egg well", visible=False)
        saving.save(session, forum, [hidden], lane=Lane.LIVE)
    submit(sessions, "How do I boil an egg well", "How do I boil an egg", first=2)

    drain(sessions)

    assert found(sessions, forum, "3") == [("2", "model")]
    assert found(sessions, forum, "2") == [("3", "model")]


def test_an_edit_withdraws_what_no_longer_holds(sessions: Factory) -> None:
    forum = submit(sessions, "How do I boil an egg", "How do I boil an egg well")
    drain(sessions)

    submit(sessions, "Best train to Rome", first=2)
    drain(sessions)

    assert found(sessions, forum, "1") == []
    with sessions.begin() as session:
        assert session.execute(select(Pair.status)).scalars().all() == [PairStatus.WITHDRAWN]


@pytest.mark.parametrize("decision", [PairStatus.DUPLICATE, PairStatus.NOT_DUPLICATE])
def test_a_decision_outlives_every_new_score(sessions: Factory, decision: PairStatus) -> None:
    forum = submit(sessions, "How do I boil an egg", "How do I boil an egg well")
    drain(sessions)
    with sessions.begin() as session:
        session.execute(update(Pair).values(status=decision, decided_by="ana"))
        ids = [questions.get(session, forum.id, n).id for n in ("1", "2")]
        jobs.put(session, [(one, 5) for one in ids], forum_id=forum.id, lane=Lane.LIVE)

    drain(sessions)

    with sessions.begin() as session:
        assert session.execute(select(Pair.status, Pair.decided_by)).all() == [(decision, "ana")]


def test_a_refused_pair_is_suggested_again_only_when_its_text_changed(sessions: Factory) -> None:
    submit(sessions, "How do I boil an egg", "How do I boil an egg well")
    drain(sessions)
    with sessions.begin() as session:
        session.execute(update(Pair).values(status=PairStatus.NOT_DUPLICATE, decided_by="ana"))

    submit(sessions, "How do I boil an egg very well", first=2)
    drain(sessions)

    with sessions.begin() as session:
        assert session.execute(select(Pair.status, Pair.decided_by)).all() == [
            (PairStatus.FLAGGED, None)
        ]


def test_a_question_that_fails_is_put_off_and_its_neighbours_go_through(
    sessions: Factory,
) -> None:
    titles = [f"How do I boil egg number {n}" for n in range(7)]
    forum = submit(sessions, *titles, "poison")

    drain(sessions, WordEncoder(poison="poison"))

    with sessions.begin() as session:
        states = [questions.get(session, forum.id, str(n)).state for n in range(1, 9)]
        failed = questions.get(session, forum.id, "8")
    assert states == [State.DONE] * 7 + [State.PENDING]
    assert failed.attempts == 1
    assert failed.error == "PoisonError: this text cannot be encoded"


def test_observing_records_and_shows_nothing(sessions: Factory) -> None:
    forum = submit(sessions, "How do I boil an egg", "How do I boil an egg well")
    with sessions.begin() as session:
        forums.update_forum(session, forum.name, observe_only=True)

    drain(sessions)

    assert found(sessions, forum, "1") == []
    with sessions.begin() as session:
        assert session.execute(select(Pair.status)).scalars().all() == [PairStatus.OBSERVED]


def test_an_erased_question_leaves_no_text_vector_pair_or_event(sessions: Factory) -> None:
    forum = submit(sessions, "How do I boil an egg", "How do I boil an egg well")
    drain(sessions)

    with sessions.begin() as session:
        questions.erase(session, forum.id, "2", actor="forum")

    with sessions.begin() as session:
        assert session.execute(select(Pair.id)).all() == []
        assert len(session.execute(select(Embedding.question_id)).all()) == 1
        assert session.execute(select(Event.kind)).scalars().all() == ["question.erased"]


def test_only_ten_pairs_are_kept_for_a_question(sessions: Factory) -> None:
    forum = submit(sessions, *(f"How do I boil an egg at home {n}" for n in range(20)))
    drain(sessions)
    submit(sessions, "How do I boil an egg at home", first=99)

    drain(sessions)

    assert len(found(sessions, forum, "99")) == 10


def test_racing_twins_are_always_paired(committed: Factory) -> None:
    for round_ in range(5):
        forum = submit(committed, "zebra crossing rules", forum=f"race{round_}")
        drain(committed)
        submit(committed, f"where to buy a lamp {round_}", first=2, forum=forum.name)
        submit(committed, f"where to buy a good lamp {round_}", first=3, forum=forum.name)
        start = threading.Barrier(2)
        made = make_models(committed)

        def work(start: threading.Barrier = start, made: Models = made) -> None:
            with committed.begin() as session:
                claim = jobs.claim(session, Lane.LIVE, token_budget=1, limit=1, lease_s=60)
            start.wait()
            Pipeline(committed, made, Limits()).process(claim.questions, claim.lease)

        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        assert found(committed, forum, "2") == [("3", "model")]


def test_search_settings_hold_in_the_transaction_that_searches(sessions: Factory) -> None:
    made = make_models(sessions)
    forum = submit(sessions, "How do I boil an egg")
    drain(sessions)
    with sessions.begin() as session:
        ids = list(session.execute(select(Embedding.question_id)).scalars())
        embeddings.nearest(session, made.bi_encoder, forum.id, ids, limit=5)
        settings = [
            session.execute(text(f"SELECT current_setting('hnsw.{name}')")).scalar_one()
            for name in ("ef_search", "iterative_scan")
        ]

    assert settings == [str(embeddings.EF_SEARCH), "strict_order"]


def test_the_index_finds_what_an_exact_scan_finds(
    sessions: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_models(sessions)
    rng = np.random.default_rng(7)
    titles = [" ".join(rng.choice(WORDS, size=5)) for _ in range(60)]
    forum = submit(sessions, *titles)
    drain(sessions)
    with sessions.begin() as session:
        ids: Sequence[int] = list(session.execute(select(Embedding.question_id)).scalars())
        exact = embeddings.nearest(session, made.bi_encoder, forum.id, ids, limit=8)
        monkeypatch.setattr(embeddings, "EXACT_LIMIT", 0)
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_sort = off"))
        indexed = embeddings.nearest(session, made.bi_encoder, forum.id, ids, limit=8)

    for one in ids:
        assert [c.cosine for c in indexed[one]] == pytest.approx(
            [c.cosine for c in exact[one]], abs=2e-3
        )


def test_a_recheck_makes_the_models_see_what_the_forum_now_wants(sessions: Factory) -> None:
    with sessions.begin() as session:
        forum = make_forum(session)
        items = [
            new_question("Please help me with this", external_id="1", body="How do I boil an egg"),
            new_question("Please help me with this", external_id="2", body="Best train to Rome"),
        ]
        saving.save(session, forum, items, lane=Lane.LIVE)
    drain(sessions)
    assert found(sessions, forum, "1") == [("2", "same_text")]
    with sessions.begin() as session:
        forum = forums.update_forum(session, forum.name, text_fields="title_body")

    assert owe_again(sessions, forum, on_done=lambda _: None) == 2
    drain(sessions, lane=Lane.ARCHIVE)

    assert found(sessions, forum, "1") == []
    assert drain(sessions, lane=Lane.ARCHIVE) == 0


def test_a_recheck_makes_digests_of_an_earlier_form_anew(sessions: Factory) -> None:
    def of_before(title: str, external_id: str) -> NewQuestion:
        made = question_of(Submission(external_id, title), text_fields=forum.text_fields)
        return replace(made, text_digest=first_digest(title))

    with sessions.begin() as session:
        forum = make_forum(session)
        items = [of_before("What is 2\u00b2\u2070", "1"), of_before("What is 220", "2")]
        saving.save(session, forum, items, lane=Lane.LIVE)
    drain(sessions)
    assert found(sessions, forum, "1") == [("2", "same_text")]

    owe_again(sessions, forum, on_done=lambda _: None)
    drain(sessions, lane=Lane.ARCHIVE)

    assert ("2", "same_text") not in found(sessions, forum, "1")
    with sessions.begin() as session:
        assert questions.get(session, forum.id, "1").text_version == 1  # decisions stay
        assert len(session.execute(select(Pair)).scalars().all()) == 1


def test_a_recheck_reads_questions_without_what_the_forum_says_does_not_count(
    sessions: Factory,
) -> None:
    with sessions.begin() as session:
        forum = make_forum(session)
        titles = ("Beginner: how to boil an egg in time", "how to boil an egg in time")
        items = [
            question_of(Submission(str(number), title), text_fields=forum.text_fields)
            for number, title in enumerate(titles, start=1)
        ]
        saving.save(session, forum, items, lane=Lane.LIVE)
    drain(sessions)
    assert ("2", "same_text") not in found(sessions, forum, "1")
    with sessions.begin() as session:
        forum = forums.update_forum(session, forum.name, prefixes=["Beginner:"])

    owe_again(sessions, forum, on_done=lambda _: None)
    drain(sessions, lane=Lane.ARCHIVE)

    assert found(sessions, forum, "1") == [("2", "same_text")]
    with sessions.begin() as session:
        row = questions.get(session, forum.id, "1")
        assert (row.title, row.text_version) == ("Beginner: how to boil an egg in time", 1)
        forum = forums.update_forum(session, forum.name, prefixes=[])
    owe_again(sessions, forum, on_done=lambda _: None)
    drain(sessions, lane=Lane.ARCHIVE)
    assert ("2", "same_text") not in found(sessions, forum, "1")


def test_edits_and_workers_never_wait_for_each_other_in_a_circle(committed: Factory) -> None:
    forum = submit(committed, *(f"where to buy lamp {n}" for n in range(30)), forum="circle")
    made = make_models(committed)
    failures: list[Exception] = []

    def edit(offset: int) -> None:
        for round_ in range(15):
            titles = [f"where to buy lamp {n} {round_ + offset}" for n in range(30)]
            submit(committed, *titles, forum="circle")

    def work() -> None:
        for _ in range(25):
            with committed.begin() as session:
                claim = jobs.claim(session, Lane.LIVE, token_budget=300, limit=30, lease_s=60)
            Pipeline(committed, made, Limits(candidates=5)).process(claim.questions, claim.lease)

    def guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except Exception as error:  # noqa: BLE001  # a thread's error is the test's
            failures.append(error)

    tasks: list[Callable[[], None]] = [work, work, lambda: edit(0), lambda: edit(100)]
    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    while drain(committed):
        pass
    with committed.begin() as session:
        assert questions.get(session, forum.id, "1").state is State.DONE
