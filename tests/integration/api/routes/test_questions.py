import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from api.routes import questions as routes
from cli.running.service import wait_until
from db.questions import questions
from db.questions.rows import State
from db.tables.questions import Embedding, Job, Question
from db.tenants import forums
from db.work import jobs
from db.work.rows import Lane
from tests.integration.worker.live.test_pipeline import drain
from tests.rows.factories import finish, save_questions
from tests.servers.api_service import NotingQueue, make_client, make_key

Factory = sessionmaker[Session]
EGG = "/v1/forums/cooks/questions/egg"


@pytest.fixture
def key(sessions: Factory) -> str:
    return make_key(sessions, "cooks")


def test_a_new_question_is_accepted_and_its_status_can_be_read(sessions: Factory, key: str) -> None:
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)

    put = client.put(EGG, json={"title": "How do I boil an egg?", "category": "kitchen"})

    assert put.status_code == 202
    assert put.headers["location"] == put.json()["status_url"] == EGG
    assert queue.woken == [Lane.LIVE]
    read = client.get(put.headers["location"])
    assert read.status_code == 200
    assert read.json() == put.json()
    assert (read.json()["state"], read.json()["duplicates"]) == ("pending", [])


def test_the_same_again_enqueues_nothing(sessions: Factory, key: str) -> None:
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)
    question = {"title": "How do I boil an egg?", "asked_at": "2024-05-01T12:00:00Z"}
    client.put(EGG, json=question)

    again = client.put(EGG, json={**question, "asked_at": "2024-05-01T14:00:00+02:00"})

    assert again.status_code == 200
    assert queue.woken == [Lane.LIVE]
    assert again.json()["updated_at"] == again.json()["created_at"]


def test_what_the_models_do_not_see_is_changed_without_a_check(sessions: Factory, key: str) -> None:
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)
    client.put(EGG, json={"title": "How do I boil an egg?"})

    put = client.put(EGG, json={"title": "How do I boil an egg?", "author": "ana"})

    assert put.status_code == 200
    assert put.json()["author"] == "ana"
    assert queue.woken == [Lane.LIVE]


def test_a_changed_text_is_checked_again(sessions: Factory, key: str) -> None:
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)
    client.put(EGG, json={"title": "How do I boil an egg?"})
    drain(sessions)

    put = client.put(EGG, json={"title": "How do I fry an egg?"})

    assert put.status_code == 202
    assert put.json()["state"] == "pending"
    assert queue.woken == [Lane.LIVE] * 2


def test_waiting_answers_with_the_duplicates(sessions: Factory, key: str) -> None:
    queue = NotingQueue(work=lambda: drain(sessions))
    client = make_client(sessions, key, queue=queue)
    client.put(EGG, json={"title": "How do I boil an egg", "url": "https://cooks.example/egg"})

    put = client.put(
        "/v1/forums/cooks/questions/egg-2?wait=5", json={"title": "How do I boil an egg well"}
    )

    assert put.status_code == 200
    assert put.json()["state"] == "done"
    assert put.json()["models"] == {"bi_encoder": "fake-words", "reranker": "fake-overlap"}
    (duplicate,) = put.json()["duplicates"]
    assert (duplicate["id"], duplicate["title"]) == ("egg", "How do I boil an egg")
    assert duplicate["url"] == "https://cooks.example/egg"
    assert (duplicate["kind"], duplicate["status"]) == ("model", "flagged")
    assert duplicate["threshold"] == pytest.approx(put.json()["threshold"])
    assert duplicate["threshold"] <= duplicate["score"] <= 1
    assert 0 < duplicate["cosine"] <= 1
    assert set(duplicate["scores"].values()) != {None}
    assert duplicate["models"] == put.json()["models"]


def test_a_wait_that_is_too_short_answers_like_none(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)

    put = client.put(f"{EGG}?wait=0.05", json={"title": "How do I boil an egg?"})

    assert (put.status_code, put.json()["state"]) == (202, "pending")


def test_no_wait_is_longer_than_the_service_allows(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key, wait_limit_s=0.05)

    put = client.put(f"{EGG}?wait=3600", json={"title": "How do I boil an egg?"})

    assert put.status_code == 202
    assert put.elapsed.total_seconds() < 5


@pytest.mark.parametrize("wait", ["-1", "nan", "inf", "soon"])
def test_a_wait_that_is_no_time_is_refused(sessions: Factory, key: str, wait: str) -> None:
    client = make_client(sessions, key)

    put = client.put(f"{EGG}?wait={wait}", json={"title": "How do I boil an egg?"})

    assert put.status_code == 422
    assert put.json()["errors"][0]["parameter"] == "wait"


def test_a_failed_question_says_why(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)
    client.put(EGG, json={"title": "How do I boil an egg?"})
    with sessions.begin() as session:
        session.execute(update(Job).values(failed_at=func.now(), error="no luck", attempts=5))

    read = client.get(EGG)

    assert (read.json()["state"], read.json()["error"]) == ("failed", "no luck")


def test_an_erased_question_is_gone_for_good(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)
    client.put(EGG, json={"title": "How do I boil an egg?"})
    drain(sessions)

    erased = client.delete(EGG)

    assert (erased.status_code, erased.content) == (204, b"")
    assert client.get(EGG).status_code == client.delete(EGG).status_code == 404
    with sessions.begin() as session:
        assert session.execute(select(Question.id)).all() == []
        assert session.execute(select(Embedding.question_id)).all() == []


@pytest.mark.parametrize(
    ("path", "stored"),
    [("a%2Fb%3Fc", "a/b?c"), ("f%C3%BCnf%20Eier", "fünf Eier"), ("2024/05/eggs", "2024/05/eggs")],
)
def test_ids_are_the_forums_own(sessions: Factory, key: str, path: str, stored: str) -> None:
    client = make_client(sessions, key)

    put = client.put(f"/v1/forums/cooks/questions/{path}", json={"title": "How do I boil an egg?"})

    assert put.json()["id"] == stored
    assert client.get(put.headers["location"]).json()["id"] == stored


@pytest.mark.parametrize("path", ["%00", "a%09b", "x" * 201, "%20x", "%FF"])
def test_ids_that_nobody_could_read_are_refused(sessions: Factory, key: str, path: str) -> None:
    client = make_client(sessions, key)

    put = client.put(f"/v1/forums/cooks/questions/{path}", json={"title": "How do I boil an egg?"})

    assert put.status_code == 422
    assert put.json()["errors"][0]["parameter"] == "question_id"


def test_a_text_that_the_models_cannot_read_is_said_to_be_so(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)

    put = client.put(EGG, json={"title": "계란은 어떻게 삶나요?"})

    assert put.status_code == 202
    assert "do not know" in put.json()["warnings"][0]


def test_the_body_counts_where_the_forum_says_so(sessions: Factory, key: str) -> None:
    with sessions.begin() as session:
        forums.update_forum(session, "cooks", text_fields="title_body")
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)
    client.put(EGG, json={"title": "How long?", "body": "I mean soft eggs."})

    put = client.put(EGG, json={"title": "How long?", "body": "I mean hard eggs."})

    assert (put.status_code, put.json()["text_fields"]) == (202, "title_body")


def test_a_full_forum_is_asked_to_come_back_and_another_is_not(sessions: Factory) -> None:
    key = make_key(sessions, "cooks", "bakers")
    with sessions.begin() as session:
        cooks = forums.update_forum(session, "cooks", pending_limit=20)
        save_questions(session, cooks, *(f"question {n}" for n in range(38)))
        held = jobs.claim(session, Lane.LIVE, token_budget=9999, limit=18, lease_s=60)
        finish(session, held.lease, [one.id for one in held.questions])
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)

    full = client.put(EGG, json={"title": "How do I boil an egg?"})
    other = client.put("/v1/forums/bakers/questions/1", json={"title": "How do I bake bread?"})

    assert full.status_code == 429
    assert full.headers["retry-after"] == "20"  # two too many, at 18 in 180 seconds
    assert full.json()["type"] == "urn:askedbefore:backpressure"
    assert other.status_code == 202
    assert len(queue.woken) == 1
    assert client.get(EGG).status_code == 404


def test_a_burst_does_not_pass_the_limit_between_two_counts(sessions: Factory, key: str) -> None:
    with sessions.begin() as session:
        forums.update_forum(session, "cooks", pending_limit=3)
    client = make_client(sessions, key, pending_cache_s=60)

    statuses = [
        client.put(f"/v1/forums/cooks/questions/{n}", json={"title": f"Egg {n}"}).status_code
        for n in range(5)
    ]

    assert statuses == [202, 202, 202, 429, 429]


def test_the_same_question_put_by_many_at_once_is_stored_once(committed: Factory) -> None:
    queue = NotingQueue()
    client = make_client(committed, make_key(committed, "cooks"), queue=queue)
    start = threading.Barrier(8)
    statuses: list[int] = []

    def put() -> None:
        start.wait()
        answer = client.put(EGG, json={"title": "How do I boil an egg?"})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] * 7 + [202]
    assert queue.woken == [Lane.LIVE]
    with committed.begin() as session:
        assert session.execute(select(func.count()).select_from(Question)).scalar_one() == 1
        assert session.execute(select(func.count()).select_from(Job)).scalar_one() == 1


def test_edits_at_once_leave_one_of_the_texts_and_one_job(committed: Factory) -> None:
    client = make_client(committed, make_key(committed, "cooks"))
    start = threading.Barrier(6)
    statuses: list[int] = []

    def put(number: int) -> None:
        start.wait()
        answer = client.put(EGG, json={"title": f"How do I boil {number} eggs?"})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=put, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [202] * 6
    with committed.begin() as session:
        forum = forums.get_forum(session, "cooks")
        stored = questions.get(session, forum.id, "egg")
        assert stored.state is State.PENDING
        assert stored.text_version == 6
        assert session.execute(select(func.count()).select_from(Job)).scalar_one() == 1


def test_an_edit_that_meets_the_worker_half_way_is_taken_all_the_same(committed: Factory) -> None:
    client = make_client(committed, make_key(committed, "cooks"))
    client.put(EGG, json={"title": "How do I boil an egg?"})
    statuses: list[int] = []

    def edit() -> None:
        statuses.append(client.put(EGG, json={"title": "How do I fry an egg?"}).status_code)

    thread = threading.Thread(target=edit)
    with committed.begin() as session:
        held = jobs.claim(session, Lane.LIVE, token_budget=99, limit=1, lease_s=60)
    ids = [question.id for question in held.questions]
    with committed.begin() as session:
        finish(session, held.lease, ids)
        thread.start()
        _wait_for_a_blocked_session(committed)
        # Each has locked the row that the other needs next, so Postgres ends one of the two.
        session.execute(select(Question.id).where(Question.id.in_(ids)).with_for_update())
    thread.join()

    assert statuses == [202]
    assert client.get(EGG).json()["title"] == "How do I fry an egg?"
    assert client.get(EGG).json()["state"] == "pending"


def _wait_for_a_blocked_session(sessions: Factory) -> None:
    blocked = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def is_one_blocked() -> bool:
        with sessions.begin() as session:
            return bool(session.execute(blocked).scalar_one())

    wait_until(is_one_blocked, timeout_s=60)


FACTS = {
    "answers": 3,
    "accepted": "a-17",
    "views": 1200,
    "votes": -2,
    "tags": ["eggs", "boiling", "eggs"],
    "closed": False,
    "language": "pt_BR",
    "updated_at": "2024-05-01T14:00:00+02:00",
    "version": 4,
}


def test_what_the_forum_knows_of_a_question_is_kept_and_told(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)

    put = client.put(EGG, json={"title": "How do I boil an egg?", **FACTS})

    told = put.json()
    assert put.status_code == 202
    assert {name: told[name] for name in ("answers", "views", "votes", "closed", "version")} == {
        "answers": 3,
        "views": 1200,
        "votes": -2,
        "closed": False,
        "version": 4,
    }
    assert (told["accepted"], told["accepted_answer"]) == (True, "a-17")
    assert (told["tags"], told["language"]) == (["eggs", "boiling"], "pt-BR")
    assert told["edited_at"] == "2024-05-01T12:00:00Z"
    assert client.get(EGG).json() == told


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("answers", -1),
        ("views", 1.5),
        ("votes", 10**17),
        ("tags", [str(n) for n in range(51)]),
        ("language", "English, please"),
        ("version", -1),
        ("updated_at", "yesterday"),
    ],
)
def test_a_fact_that_cannot_be_is_refused_by_its_name(
    sessions: Factory, key: str, field: str, value: object
) -> None:
    put = make_client(sessions, key).put(EGG, json={"title": "Why?", field: value})

    assert put.status_code == 422
    assert put.json()["errors"][0]["pointer"].startswith(f"#/{field}")


def test_new_facts_are_stored_without_a_check(sessions: Factory, key: str) -> None:
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)
    client.put(EGG, json={"title": "How do I boil an egg?", **FACTS})

    put = client.put(EGG, json={"title": "How do I boil an egg?", **FACTS, "answers": 4})

    assert (put.status_code, put.json()["answers"]) == (200, 4)
    assert queue.woken == [Lane.LIVE]


def test_an_older_version_is_answered_409_and_changes_nothing(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)
    client.put(EGG, json={"title": "How do I boil an egg?", "version": 7})

    late = client.put(EGG, json={"title": "How do I boil a leg?", "version": 6})

    assert (late.status_code, late.json()["type"]) == (409, "urn:askedbefore:question-outdated")
    assert client.get(EGG).json()["title"] == "How do I boil an egg?"


def test_a_delete_that_overtook_its_put_keeps_it_out(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)

    deleted = client.delete(EGG, params={"version": 3})
    late = client.put(EGG, json={"title": "How do I boil an egg?", "version": 2})

    assert (deleted.status_code, late.status_code) == (404, 409)
    assert client.get(EGG).status_code == 404


def test_a_batch_says_which_of_its_questions_are_older(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)
    client.put(EGG, json={"title": "How do I boil an egg?", "version": 7})
    items = [
        {"id": "egg", "title": "How do I boil a leg?", "version": 6},
        {"id": "leek", "title": "How do I boil a leek?", "version": 1},
    ]

    batch = client.post("/v1/forums/cooks/questions:batch", json={"questions": items})

    assert [item["outcome"] for item in batch.json()["items"]] == ["older", "created"]


class TellingQueue(NotingQueue):
    """Works when it is woken, and tells of it as Redis would."""

    def __init__(self, sessions: Factory) -> None:
        super().__init__(work=lambda: threading.Thread(target=self._work).start())
        self._sessions = sessions
        self._told: SimpleQueue[list[int]] = SimpleQueue()
        self._is_heard = threading.Event()

    def finished(self) -> Iterator[list[int]]:
        self._is_heard.set()
        while ids := self._told.get(timeout=60):
            yield ids

    def _work(self) -> None:
        self._is_heard.wait(60)
        drain(self._sessions)
        with self._sessions.begin() as session:
            self._told.put(list(session.execute(select(Question.id)).scalars()))
        self._told.put([])


def test_who_waits_is_told_of_the_finish(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "_FIRST_LOOK_S", 60.0)  # it must not have to look by itself
    client = make_client(
        committed, make_key(committed, "cooks"), queue=TellingQueue(committed), wait_limit_s=30
    )

    put = client.put(f"{EGG}?wait=30", json={"title": "How do I boil an egg?"})

    assert (put.status_code, put.json()["state"]) == (200, "done")
    assert put.elapsed.total_seconds() < 20
