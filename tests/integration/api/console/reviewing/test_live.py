"""A browser gets each decision and claim of colleagues once, and only new ones."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from api.console.entering.access import Reviewer, Visitor
from api.console.reviewing.live import Watch
from api.console.reviewing.seen import LOOK_BACK, Seen, read_seen, seen_now
from db.review import attention, insight
from db.rows import PairStatus
from db.tenants.people import Role
from tests.rows.review import PASSWORD, Seeded, flag, make_person, say, seed_questions
from tests.servers.api_service import make_client

Factory = sessionmaker[Session]
HTML = {"Accept": "text/html"}


@pytest.fixture
def seeded(sessions: Factory) -> Seeded:
    with sessions.begin() as session:
        return seed_questions(session, *(f"How do I boil egg {n}" for n in range(4)))


def watch(sessions: Factory, seeded: Seeded, seen: Seen | None = None) -> Watch:
    with sessions.begin() as session:
        person = make_person(session, seeded.forum, "ana")
    visitor = Visitor(person=person, token="t", csrf="c")  # noqa: S106  # no secret
    reviewer = Reviewer(visitor=visitor, forum=seeded.forum, role=Role.MODERATOR)
    return Watch(sessions, reviewer, seen)


def decide(sessions: Factory, seeded: Seeded, pair: int, actor: str) -> None:
    with sessions.begin() as session:
        say(session, seeded, pair, PairStatus.RELATED, actor=actor)


def test_a_colleagues_decision_is_told_once(sessions: Factory, seeded: Seeded) -> None:
    with sessions.begin() as session:
        first, second = flag(session, seeded, 0, 1), flag(session, seeded, 2, 3)
    watching = watch(sessions, seeded)
    opening = watching.look()
    decide(sessions, seeded, first, "ben")
    decide(sessions, seeded, second, "ana")

    news = watching.look()

    assert opening is not None
    assert (opening["changes"], opening["waiting"]) == ([], 2)
    assert news is not None
    told = {c["pair"]: (c["status"], c["by"], c["mine"]) for c in news["changes"]}
    assert told == {first: ("related", "ben", False), second: ("related", "ana", True)}
    assert (news["waiting"], news["done"]) == (0, 1)
    assert watching.look() is None


def test_a_new_stream_goes_on_where_the_last_one_ended(sessions: Factory, seeded: Seeded) -> None:
    with sessions.begin() as session:
        pair = flag(session, seeded, 0, 1)
    before = watch(sessions, seeded)
    before.look()
    decide(sessions, seeded, pair, "ben")

    news = watch(sessions, seeded, before.seen).look()

    assert news is not None
    assert [change["pair"] for change in news["changes"]] == [pair]


def test_claims_of_others_come_and_go(sessions: Factory, seeded: Seeded) -> None:
    with sessions.begin() as session:
        pair = flag(session, seeded, 0, 1)
    watching = watch(sessions, seeded)
    watching.look()
    with sessions.begin() as session:
        attention.claim(
            session, seeded.forum.id, [pair], holder="ben", lifetime=timedelta(minutes=1)
        )

    taken = watching.look()
    with sessions.begin() as session:
        attention.release(session, seeded.forum.id, holder="ben")
    given_back = watching.look()

    assert taken is not None
    assert taken["claims"] == {str(pair): "ben"}
    assert given_back is not None
    assert given_back["claims"] == {}


def commit_event(sessions: Factory, seeded: Seeded, pair: int, event_id: int) -> None:
    """Store an event with an id that was drawn some time before."""
    with sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO events (id, forum_id, kind, pair_id, actor) OVERRIDING SYSTEM VALUE"
                " VALUES (:id, :forum, 'pair.decided', :pair, 'ben')"
            ),
            {"id": event_id, "forum": seeded.forum.id, "pair": pair},
        )


def pairs_told(watching: Watch) -> list[int]:
    news = watching.look()
    return [change["pair"] for change in news["changes"]] if news else []


@pytest.mark.parametrize("is_new_stream", [False, True])
def test_an_event_that_is_committed_after_a_later_one_is_told_too(
    sessions: Factory, seeded: Seeded, is_new_stream: bool
) -> None:
    with sessions.begin() as session:
        late, early = flag(session, seeded, 0, 1), flag(session, seeded, 2, 3)
        start = insight.last_event(session, seeded.forum.id) + LOOK_BACK
    watching = watch(sessions, seeded)
    watching.look()
    commit_event(sessions, seeded, early, start + LOOK_BACK)
    assert pairs_told(watching) == [early]
    commit_event(sessions, seeded, late, start + 1)
    if is_new_stream:
        watching = watch(sessions, seeded, read_seen(str(watching.seen)))

    assert pairs_told(watching) == [late]

    assert pairs_told(watching) == []


def test_a_decision_between_the_page_and_its_stream_is_told(
    sessions: Factory, seeded: Seeded
) -> None:
    with sessions.begin() as session:
        first, second = flag(session, seeded, 0, 1), flag(session, seeded, 2, 3)
        make_person(session, seeded.forum, "ana")
    decide(sessions, seeded, first, "ben")
    client = make_client(sessions, None)
    client.post("/console/sign-in", data={"name": "ana", "secret": PASSWORD}, headers=HTML)
    page = client.get("/console/cooks/review", headers=HTML)
    decide(sessions, seeded, second, "ben")
    mark = re.search('data-seen="([^"]+)"', page.text)
    assert mark is not None

    told = pairs_told(watch(sessions, seeded, read_seen(mark[1])))

    assert told == [second]


def test_a_page_that_missed_too_much_is_told_to_read_again(
    sessions: Factory, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.begin() as session:
        first, second = flag(session, seeded, 0, 1), flag(session, seeded, 2, 3)
    watching = watch(sessions, seeded)
    watching.look()
    decide(sessions, seeded, first, "ben")
    decide(sessions, seeded, second, "ben")
    monkeypatch.setattr(insight, "CHANGES_LIMIT", 1)

    news = watching.look()

    assert news is not None
    assert (news["missing"], news["changes"]) == (True, [])


def test_a_page_has_seen_all_up_to_now(sessions: Factory, seeded: Seeded) -> None:
    with sessions.begin() as session:
        pair = flag(session, seeded, 0, 1)
    decide(sessions, seeded, pair, "ben")

    with sessions.begin() as session:
        seen = seen_now(session, seeded.forum.id)

    assert seen.last in seen.ids
    assert pairs_told(watch(sessions, seeded, seen)) == []
