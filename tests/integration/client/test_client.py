"""The client against the real API: every method, and errors as the service words them."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from askedbefore_client import (
    AccessError,
    AsyncClient,
    BusyError,
    Client,
    InvalidError,
    NotFoundError,
    Question,
    Retry,
)
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from tests.rows.review import flag, seed_questions
from tests.servers.api_service import NotingQueue, make_key, make_settings
from tests.servers.live_server import serving
from worker.queue import CheckAnswer

Factory = sessionmaker[Session]
FORUM = "first"


@pytest.fixture
def queue() -> NotingQueue:
    return NotingQueue()


@pytest.fixture
def address(committed: Factory, queue: NotingQueue) -> Iterator[str]:
    with serving(create_app(make_settings(), committed, queue)) as url:
        yield url


@pytest.fixture
def client(committed: Factory, address: str) -> Iterator[Client]:
    key = make_key(committed, FORUM)
    with Client(address, key, FORUM, retry=Retry(tries=1)) as made:
        yield made


def test_a_question_is_stored_read_changed_and_erased(client: Client) -> None:
    asked = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    question = Question(
        id="q/1 ü",
        title="How do I boil an egg?",
        author="Ana",
        asked_at=asked,
        answers=2,
        accepted=True,
        views=9,
        votes=-1,
        tags=("eggs", "boiling"),
        closed=False,
        language="en",
        updated_at=asked,
        version=3,
    )

    first = client.submit(question)
    read = client.get(question.id)
    client.delete(question.id)

    assert (first.state, read.id, read.title) == ("pending", "q/1 ü", "How do I boil an egg?")
    assert read.author == "Ana"
    with pytest.raises(NotFoundError):
        client.get(question.id)


def test_a_batch_tells_of_each_question(client: Client) -> None:
    good, bad = Question(id="1", title="How do I boil an egg?"), Question(id="2", title=" ")

    items = client.batch([good, bad])

    assert [item.outcome for item in items] == ["created", None]
    assert items[1].errors[0].pointer is not None


def test_a_check_returns_what_the_worker_found(client: Client, queue: NotingQueue) -> None:
    queue.answer = CheckAnswer(duplicates=(), threshold=0.5, bi_encoder="a", reranker="b")

    found = client.check("How do I boil an egg?")

    assert (found.duplicates, found.threshold) == ((), 0.5)


def test_a_check_that_nobody_answers_says_when_to_try_again(client: Client) -> None:
    with pytest.raises(BusyError) as caught:
        client.check("How do I boil an egg?")

    assert caught.value.retry_after_s == 2


def test_pairs_are_read_to_the_end(committed: Factory, client: Client) -> None:
    with committed.begin() as session:
        made = seed_questions(session, *(f"How do I boil egg {n}?" for n in range(4)), forum=FORUM)
        for other in (1, 2, 3):
            flag(session, made, 0, other, score=0.9)

    page = client.pairs_page(limit=2)
    found = list(client.pairs("flagged"))
    feed = client.pairs_page(updated_since=datetime(2026, 1, 1, tzinfo=UTC), sort="changed")
    later = client.pairs_page(
        updated_since=datetime(2026, 1, 1, tzinfo=UTC), sort="changed", cursor=feed.next_cursor
    )

    assert len(page.pairs) == 2
    assert page.next_cursor is not None
    assert len({pair.id for pair in found}) == 3
    assert (len(feed.pairs), later.pairs) == (3, ())


def test_errors_say_what_is_wrong(client: Client, address: str) -> None:
    with pytest.raises(InvalidError, match="title"):
        client.submit(Question(id="1", title=""))
    with Client(address, "ab_wrong", FORUM) as stranger, pytest.raises(AccessError) as caught:
        stranger.get("1")
    assert caught.value.request_id


def test_the_asynchronous_client_speaks_to_the_same_service(
    committed: Factory, address: str
) -> None:
    async def run() -> list[str]:
        async with AsyncClient(address, make_key(committed, FORUM), FORUM) as client:
            await client.batch([Question(id=str(n), title=f"Why {n}?") for n in range(3)])
            await asyncio.gather(*(client.delete(str(n)) for n in (0, 1)))
            return [(await client.get("2")).title, *[pair.id async for pair in client.pairs()]]

    assert asyncio.run(run()) == ["Why 2?"]
