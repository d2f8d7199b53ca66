import threading

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db.work.rows import Lane
from tests.servers.api_service import NotingQueue, make_client, make_key
from worker.queue import CheckAnswer, CheckedDuplicate, CheckRequest

Factory = sessionmaker[Session]
CHECK = "/v1/forums/cooks/check"
ANSWER = CheckAnswer(
    duplicates=[
        CheckedDuplicate(
            id="egg",
            title="How do I boil an egg?",
            url=None,
            score=0.9,
            cosine=None,
            kind="same_text",
        )
    ],
    threshold=0.5,
    bi_encoder="words",
    reranker="overlap",
    warnings=["mind this"],
)


class SlowQueue(NotingQueue):
    """Answers a check only when the test allows it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = threading.Semaphore(0)
        self.go = threading.Event()

    def check(self, request: CheckRequest, *, timeout_s: float) -> CheckAnswer:
        self.taken.release()
        assert self.go.wait(10)
        return super().check(request, timeout_s=timeout_s)


@pytest.fixture
def key(sessions: Factory) -> str:
    return make_key(sessions, "cooks")


def test_a_check_answers_with_what_the_worker_found(sessions: Factory, key: str) -> None:
    queue = NotingQueue()
    queue.answer = ANSWER
    client = make_client(sessions, key, queue=queue, check_timeout_s=3)

    answer = client.post(CHECK, json={"title": " boil\x01 an egg", "body": "soft"})

    assert answer.status_code == 200
    said = answer.json()
    assert said.pop("check_id")
    assert said == {
        "duplicates": [
            {
                "id": "egg",
                "title": "How do I boil an egg?",
                "url": None,
                "score": 0.9,
                "cosine": None,
                "kind": "same_text",
                "answers": None,
                "accepted": None,
            }
        ],
        "threshold": 0.5,
        "models": {"bi_encoder": "words", "reranker": "overlap"},
        "warnings": ["mind this"],
    }
    (asked,) = queue.asked
    assert (asked.title, asked.body, queue.timeout_s) == ("boil an egg", "soft", 3)
    assert Lane.LIVE not in queue.woken


def test_no_worker_in_time_is_worth_another_try(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)

    answer = client.post(CHECK, json={"title": "boil an egg"})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["type"] == "urn:askedbefore:transient"


def test_checks_beyond_the_slots_are_sent_away_and_the_others_answered(
    sessions: Factory, key: str
) -> None:
    queue = SlowQueue()
    queue.answer = ANSWER
    statuses: list[int] = []
    with make_client(sessions, key, queue=queue, check_slots=2, access_cache_s=60) as client:

        def ask() -> None:
            statuses.append(client.post(CHECK, json={"title": "egg"}).status_code)

        client.get("/v1/forums/cooks")
        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
            assert queue.taken.acquire(timeout=60)

        refused = client.post(CHECK, json={"title": "egg"})
        alive = client.get("/livez")
        queue.go.set()
        for thread in threads:
            thread.join()

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert alive.status_code == 200
    assert statuses == [200, 200]


@pytest.mark.parametrize(
    "body", [{}, {"title": ""}, {"title": "egg", "id": "1"}, {"title": "e" * 2001}, []]
)
def test_what_is_no_text_is_refused(sessions: Factory, key: str, body: object) -> None:
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)

    assert client.post(CHECK, json=body).status_code == 422
    assert queue.asked == []


def test_only_json_is_taken(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)

    form = client.post(CHECK, data={"title": "egg"})
    bare = client.post(CHECK, content=b'{"title": "egg"}')
    other = client.post(
        CHECK,
        content=b'{"title": "egg"}',
        headers={"content-type": "application/vnd.api+json; charset=utf-8"},
    )

    assert (form.status_code, bare.status_code, other.status_code) == (415, 415, 503)
