from itertools import chain

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from api.routes.pairs import read_cursor, write_cursor
from db.pairs.listing import Place
from db.rows import PairStatus
from db.tables.pairs import Pair
from tests.integration.worker.live.test_pipeline import drain, submit
from tests.servers.api_service import make_client, make_key

Factory = sessionmaker[Session]
PAIRS = "/v1/forums/cooks/pairs"


@pytest.fixture
def client(sessions: Factory) -> TestClient:
    return make_client(sessions, make_key(sessions, "cooks", scopes=("review",)))


def walk(client: TestClient, **wanted: str) -> list[list[str]]:
    answer = client.get(PAIRS, params=wanted).json()
    page = [pair["id"] for pair in answer["pairs"]]
    if answer["next_cursor"] is None:
        return [page]
    return [page, *walk(client, **{**wanted, "cursor": answer["next_cursor"]})]


def test_a_pair_is_listed_with_both_questions(sessions: Factory, client: TestClient) -> None:
    submit(sessions, "How do I boil an egg", "How do I boil an egg well", "Best train to Rome")
    drain(sessions)

    (pair,) = client.get(PAIRS).json()["pairs"]

    assert pair["questions"] == [
        {"id": "1", "title": "How do I boil an egg"},
        {"id": "2", "title": "How do I boil an egg well"},
    ]
    assert (pair["kind"], pair["status"], pair["decided_at"]) == ("model", "flagged", None)
    assert pair["threshold"] <= pair["score"] <= 1


def test_pages_hold_every_pair_once_while_new_ones_arrive(
    sessions: Factory, client: TestClient
) -> None:
    submit(sessions, *("How do I boil an egg" for _ in range(5)))
    drain(sessions)
    first = client.get(PAIRS, params={"limit": 4}).json()
    submit(sessions, *("Best train to Rome" for _ in range(3)), first=10)
    drain(sessions)

    rest = client.get(PAIRS, params={"limit": 400, "cursor": first["next_cursor"]}).json()

    seen = [pair["id"] for pair in [*first["pairs"], *rest["pairs"]]]
    assert len(seen) == len(set(seen)) == 10 + 3
    assert seen == sorted(seen, key=int)
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("limit", ["1", "2", "3", "5"])
def test_every_size_of_page_ends_where_the_pairs_end(
    sessions: Factory, client: TestClient, limit: str
) -> None:
    submit(sessions, *("How do I boil an egg" for _ in range(3)))
    drain(sessions)

    pages = walk(client, limit=limit)

    assert list(chain(*pages)) == list(chain(*walk(client)))
    assert [len(page) for page in pages[:-1]] == [int(limit)] * (len(pages) - 1)
    assert pages[-1]


def test_pairs_are_chosen_by_status_and_score(sessions: Factory, client: TestClient) -> None:
    submit(sessions, "How do I boil an egg", "How do I boil an egg", "How do I boil an egg well")
    drain(sessions)
    with sessions.begin() as session:
        twins = session.execute(select(Pair.id).where(Pair.score == 1)).scalar_one()
        others = set(session.execute(select(Pair.id).where(Pair.score < 1)).scalars())
        refused = min(others)
        session.execute(
            update(Pair).where(Pair.id == refused).values(status=PairStatus.NOT_DUPLICATE)
        )

    def ids(**wanted: object) -> set[int]:
        answer = client.get(PAIRS, params=wanted)  # type: ignore[arg-type]
        return {int(pair["id"]) for pair in answer.json()["pairs"]}

    assert ids(min_score=1) == {twins}
    assert ids(max_score=0.999) == others - {refused}
    assert ids(status="not_duplicate") == {refused}
    assert ids(status=["flagged", "not_duplicate"]) == {twins, *others}
    assert ids() == {twins, *others} - {refused}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "min_score=nan",
        "max_score=2",
        "status=maybe",
        "cursor=x",
        "cursor=",
        "cursor=cGFpcjow",
        "cursor=%C3%BC",
    ],
)
def test_what_is_no_filter_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"{PAIRS}?{query}")

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_cursor_is_read_as_it_was_written() -> None:
    for pair_id in (1, 7, 10**17):
        place = Place(pair_id=pair_id)
        assert read_cursor(write_cursor(place)) == place


def test_a_feed_goes_on_from_its_cursor(sessions: Factory, client: TestClient) -> None:
    submit(sessions, "How do I boil an egg", "How do I boil an egg well")
    drain(sessions)
    since = {"updated_since": "2020-01-01T00:00:00Z"}

    first = client.get(PAIRS, params=since).json()
    again = client.get(PAIRS, params={**since, "cursor": first["next_cursor"]}).json()
    submit(sessions, "Best train to Rome", "Best train to Rome now", first=10)
    drain(sessions)
    then = client.get(PAIRS, params={**since, "cursor": again["next_cursor"]}).json()

    assert len(first["pairs"]) == len(then["pairs"]) == 1
    assert again["pairs"] == []
    assert first["pairs"] != then["pairs"]


def test_a_cursor_belongs_to_its_order(client: TestClient) -> None:
    cursor = write_cursor(Place(pair_id=1))

    assert client.get(PAIRS, params={"cursor": cursor, "sort": "score"}).status_code == 422
    assert client.get(PAIRS, params={"sort": "score"}).json()["pairs"] == []


@pytest.mark.parametrize("since", ["0655-07-17T14:15:31+17:06", "0001-01-01T00:00:00+23:59"])
def test_a_moment_in_any_zone_is_no_fault_of_the_service(client: TestClient, since: str) -> None:
    answer = client.get(PAIRS, params={"flagged_since": since})

    assert answer.status_code in {200, 422}
