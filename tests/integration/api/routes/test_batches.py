import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from db.tables.questions import Job, Question
from db.tenants import forums
from db.work.rows import Lane
from tests.servers.api_service import NotingQueue, make_client, make_key

Factory = sessionmaker[Session]
BATCH = "/v1/forums/cooks/questions:batch"


@pytest.fixture
def key(sessions: Factory) -> str:
    return make_key(sessions, "cooks")


def test_good_questions_are_stored_beside_bad_ones_with_one_wake_up(
    sessions: Factory, key: str
) -> None:
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)
    sent = [
        {"id": "a", "title": "How do I boil an egg?"},
        {"id": "b", "title": ""},
        {"id": "c", "title": "Best train to Rome", "asked_at": "2024-05-01T12:00:00Z"},
        {"id": "a", "title": "How do I fry an egg?"},
        None,
    ]

    answer = client.post(BATCH, json={"questions": sent})

    assert answer.status_code == 202
    items = answer.json()["items"]
    assert [(item["index"], item["id"], item["outcome"]) for item in items] == [
        (0, "a", "created"),
        (1, "b", None),
        (2, "c", "created"),
        (3, "a", None),
        (4, None, None),
    ]
    assert items[1]["errors"][0]["detail"] == "must hold at least one visible character"
    assert items[3]["errors"][0]["detail"] == "the same id stands at index 0 already"
    assert items[4]["errors"][0]["detail"] == "must be an object"
    assert (answer.json()["enqueued"], answer.json()["rejected"]) == (2, 3)
    assert queue.woken == [Lane.LIVE]
    assert client.get(items[0]["status_url"]).json()["title"] == "How do I boil an egg?"


def test_the_same_batch_again_enqueues_nothing(sessions: Factory, key: str) -> None:
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)
    sent = {"questions": [{"id": str(n), "title": f"Egg {n}"} for n in range(3)]}
    client.post(BATCH, json=sent)
    sent["questions"][1] = {"id": "1", "title": "Egg 1", "author": "ana"}
    sent["questions"][2] = {"id": "2", "title": "Another egg"}

    answer = client.post(BATCH, json=sent)

    outcomes = [item["outcome"] for item in answer.json()["items"]]
    assert outcomes == ["unchanged", "updated", "changed"]
    assert (answer.status_code, answer.json()["enqueued"]) == (202, 1)
    assert client.post(BATCH, json=sent).status_code == 200
    assert queue.woken == [Lane.LIVE] * 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("accepted", "a" * 201), ("tags", ["a" * 201]), ("language", "no language"),
        ("views", -1), ("version", -1), ("author", "a" * 201), ("url", "no address"),
    ],
)  # fmt: skip
def test_a_bad_optional_field_refuses_its_own_question_alone(
    sessions: Factory, key: str, field: str, value: object
) -> None:
    client = make_client(sessions, key)
    sent = [{"id": "a", "title": "Egg"}, {"id": "b", "title": "Rice", field: value}]

    items = client.post(BATCH, json={"questions": sent}).json()["items"]

    assert [item["outcome"] for item in items] == ["created", None]
    assert items[1]["errors"][0]["pointer"].startswith(f"#/questions/1/{field}")


def test_a_batch_of_nothing_usable_stores_nothing(sessions: Factory, key: str) -> None:
    queue = NotingQueue()
    client = make_client(sessions, key, queue=queue)

    answer = client.post(BATCH, json={"questions": [{"id": "a"}]})

    assert (answer.status_code, answer.json()["rejected"], queue.woken) == (200, 1, [])


def test_a_thousand_questions_go_in_at_once_and_one_more_does_not(
    sessions: Factory, key: str
) -> None:
    client = make_client(sessions, key)
    sent = [{"id": str(n), "title": f"How do I boil {n} eggs?"} for n in range(1_001)]

    full = client.post(BATCH, json={"questions": sent[:1_000]})
    over = client.post(BATCH, json={"questions": sent})

    assert (full.status_code, full.json()["enqueued"]) == (202, 1_000)
    assert over.status_code == 422
    assert over.json()["errors"][0]["pointer"] == "#/questions"
    with sessions.begin() as session:
        for table in (Question, Job):
            assert session.execute(select(func.count()).select_from(table)).scalar_one() == 1_000


@pytest.mark.parametrize("body", [{}, {"questions": []}, {"questions": {}}, [], "egg", 3])
def test_what_is_no_batch_is_refused(sessions: Factory, key: str, body: object) -> None:
    client = make_client(sessions, key)

    assert client.post(BATCH, json=body).status_code == 422


def test_a_full_forum_takes_no_batch(sessions: Factory, key: str) -> None:
    with sessions.begin() as session:
        forums.update_forum(session, "cooks", pending_limit=1)
    client = make_client(sessions, key)
    client.post(BATCH, json={"questions": [{"id": "a", "title": "egg"}]})

    answer = client.post(BATCH, json={"questions": [{"id": "b", "title": "egg"}]})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")


def test_a_batch_over_the_payload_limit_is_refused_unread(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)
    sent = [{"id": str(n), "title": "egg", "body": "e" * 20_000} for n in range(110)]

    answer = client.post(BATCH, json={"questions": sent})

    assert answer.status_code == 413


def test_a_body_nested_without_end_is_refused(sessions: Factory, key: str) -> None:
    client = make_client(sessions, key)

    answer = client.post(
        BATCH, content=b"[" * 1_000_000, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 400
