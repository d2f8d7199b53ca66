"""Bulk decisions, groups by hand, thresholds, history, insight, export: what their pages do."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from db.deciding import decisions
from db.groups import groups
from db.pairs.thresholds import apply
from db.review import insight
from db.rows import PairStatus
from db.tables.pairs import Event, Pair
from db.tenants import forums, people
from db.tenants.people import Role
from tests.rows.review import PASSWORD, Seeded, flag, make_person, say, seed_questions
from tests.servers.api_service import make_client

Factory = sessionmaker[Session]
HTML = {"Accept": "text/html"}
ALL = 10**9


@pytest.fixture
def seeded(sessions: Factory) -> Seeded:
    with sessions.begin() as session:
        made = seed_questions(session, *(f"How do I boil egg {n}" for n in range(10)))
        make_person(session, made.forum, "Ana", Role.ADMIN)
        make_person(session, made.forum, "Ben")
    return made


@pytest.fixture
def client(sessions: Factory, seeded: Seeded) -> Iterator[TestClient]:
    assert seeded.questions
    with make_client(sessions, None) as client:
        sign_in(client, "Ana")
        yield client


def sign_in(client: TestClient, name: str) -> None:
    client.follow_redirects = False
    client.post("/console/sign-in", data={"name": name, "secret": PASSWORD}, headers=HTML)
    page = client.get("/console/cooks/review", headers=HTML).text
    client.headers["X-CSRF-Token"] = page.split('name="csrf" content="')[1].split('"')[0]


def post(client: TestClient, path: str, **form: str) -> tuple[int, str]:
    answer = client.post(f"/console/cooks/{path}", data=form, headers=HTML)
    return answer.status_code, answer.headers.get("location", answer.text)


def statuses(sessions: Factory) -> list[str]:
    with sessions.begin() as session:
        return list(session.execute(select(Pair.status).order_by(Pair.id)).scalars())


def test_a_threshold_sorts_what_waits_and_leaves_what_was_decided(
    session: Session, sessions: Factory, seeded: Seeded
) -> None:
    for n, score in enumerate((0.6, 0.7, 0.8), start=1):
        flag(session, seeded, 0, n, score=score)
    say(session, seeded, flag(session, seeded, 4, 5, score=0.55), PairStatus.RELATED)

    hidden = apply(session, seeded.forum, 0.75, chosen=0.75, observe_only=False, actor="ana")
    assert (hidden.shown, hidden.hidden) == (0, 2)
    assert statuses(sessions) == ["withdrawn", "withdrawn", "flagged", "related"]
    shown = apply(session, seeded.forum, 0.65, chosen=0.65, observe_only=False, actor="ana")
    assert (shown.shown, shown.hidden) == (1, 0)
    apply(session, seeded.forum, 0.5, chosen=None, observe_only=True, actor="ana")
    assert statuses(sessions) == ["observed"] * 3 + ["related"]
    kinds = session.execute(select(Event.kind).where(Event.kind == "forum.threshold")).all()
    assert len(kinds) == 3


def test_insight_counts_what_stands(session: Session, seeded: Seeded) -> None:
    first, second = flag(session, seeded, 0, 1), flag(session, seeded, 2, 3)
    taken_back = flag(session, seeded, 4, 5)
    say(session, seeded, first, PairStatus.DUPLICATE)
    say(session, seeded, first, PairStatus.DUPLICATE, actor="ben")
    say(session, seeded, second, PairStatus.RELATED)
    say(session, seeded, second, PairStatus.DUPLICATE, actor="ben")
    undone = say(session, seeded, taken_back)
    forum = seeded.forum.id
    decisions.undo(session, forum, undone.id, actor="ana")

    found = insight.summary(session, forum)

    assert (found.agreed, found.compared) == (1, 2)
    assert found.by_person == [("ana", 2), ("ben", 2)]
    assert len(found.per_day) == 30
    assert found.per_day[-1] == (datetime.now(UTC).date(), 4)
    assert [(c.category, c.right, c.judged) for c in found.categories] == [("bread", 2, 2)]
    assert insight.count_done_today(session, forum, "ana") == 2


def test_decisions_are_exported_as_training_pairs(
    client: TestClient, sessions: Factory, seeded: Seeded
) -> None:
    with sessions.begin() as session:
        say(session, seeded, flag(session, seeded, 0, 1))
        say(session, seeded, flag(session, seeded, 2, 3), PairStatus.RELATED)
        flag(session, seeded, 4, 5)

    answer = client.get("/console/cooks/history/training-pairs.csv")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows == [
        {
            "question1": "How do I boil egg 0",
            "question2": "How do I boil egg 1",
            "is_duplicate": "1",
        },
        {
            "question1": "How do I boil egg 2",
            "question2": "How do I boil egg 3",
            "is_duplicate": "0",
        },
    ]


@pytest.mark.parametrize(
    "path",
    [
        "review",
        "groups",
        "thresholds",
        "insight",
        "archives",
        "history?actor=Ana&day=2026-01-01",
        "settings",
        "bulk?min=0.5",
        "review?status=observed&sort=useful",
    ],
)
def test_pages_show_with_nothing_and_with_something(
    client: TestClient, sessions: Factory, seeded: Seeded, path: str
) -> None:
    empty = client.get(f"/console/cooks/{path}", headers=HTML)
    with sessions.begin() as session:
        for n in range(1, 5):
            say(session, seeded, flag(session, seeded, 0, n))
        flag(session, seeded, 5, 6)
    full = client.get(f"/console/cooks/{path}", headers=HTML)

    assert (empty.status_code, full.status_code) == (HTTPStatus.OK, HTTPStatus.OK)


def test_a_group_is_shown_joined_and_taken_apart_on_its_page(
    client: TestClient, sessions: Factory, seeded: Seeded
) -> None:
    with sessions.begin() as session:
        say(session, seeded, flag(session, seeded, 0, 1))
        say(session, seeded, flag(session, seeded, 2, 3))
        second, first = (row.id for row in groups.list_groups(session, seeded.forum.id))

    asked = client.get(f"/console/cooks/groups/{first}/join?other={second}", headers=HTML)
    code, _ = post(client, f"groups/{first}/join", other=str(second))
    member = str(seeded.questions[1])
    post(client, f"groups/{first}/canonical", question=member)
    _, path = post(client, f"groups/{first}/take-out", question=member)

    assert "A bridge." in asked.text
    assert code == HTTPStatus.SEE_OTHER
    assert "history?bulk=" in path
    with sessions.begin() as session:
        assert [row.size for row in groups.list_groups(session, seeded.forum.id)] == [3]


def test_a_bulk_decision_needs_a_filter(client: TestClient, sessions: Factory) -> None:
    code, text = post(client, "bulk", status="related", query="", up_to="99")
    assert code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "choose a filter first" in text
    code, path = post(client, "bulk", status="related", query="min=0.5", up_to="99")
    assert (code, "done=0" in path) == (HTTPStatus.SEE_OTHER, True)
    assert statuses(sessions) == []


def test_only_an_admin_changes_settings(
    client: TestClient, sessions: Factory, seeded: Seeded
) -> None:
    changes = (
        ("thresholds", {"threshold": "0.8"}),
        ("settings/forum", {"title": "Chefs"}),
        ("settings/members", {"name": "Eve", "role": "admin"}),
        ("settings/members/link", {"name": "Ana"}),
        ("settings/webhooks", {"url": "https://1.1.1.1/h", "kinds": "pair.flagged"}),
    )
    with make_client(sessions, None) as ben:
        sign_in(ben, "Ben")
        for path, form in changes:
            assert post(ben, path, **form)[0] == HTTPStatus.FORBIDDEN
    for path, form in changes:
        assert post(client, path, **form)[0] in {HTTPStatus.SEE_OTHER, HTTPStatus.OK}

    with sessions.begin() as session:
        forum = forums.get_forum(session, "cooks")
        assert forum.threshold == pytest.approx(0.8)
        assert forum.title == "Chefs"
        names = {one.name: one.role for one in people.members(session, seeded.forum.id)}
    assert names == {"Ana": Role.ADMIN, "Ben": Role.MODERATOR, "Eve": Role.ADMIN}


def test_an_admin_cannot_climb_by_somebody_elses_link(
    client: TestClient, sessions: Factory
) -> None:
    with sessions.begin() as session:
        other = seed_questions(session, "Rye", forum="bakers")
        ben = people.get_person(session, "Ben")
        people.set_role(session, ben.id, other.forum.id, Role.ADMIN)

    _, text = post(client, "settings/members/link", name="Ben")
    link = text.split("/console/sign-in/")[1].split("<")[0].split('"')[0]
    with make_client(sessions, None) as browser:
        browser.follow_redirects = False
        home = browser.post(f"/console/sign-in/{link}", headers=HTML)

        assert home.status_code == HTTPStatus.SEE_OTHER
        assert browser.get("/console/cooks/review", headers=HTML).status_code == HTTPStatus.OK
        elsewhere = browser.get("/console/bakers/review", headers=HTML)
        assert elsewhere.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("settings/webhooks", {"url": "ftp://x", "kinds": "pair.flagged"}),
        ("settings/webhooks", {"url": "https://1.1.1.1/h"}),
        ("settings/members", {"name": "Ana", "role": ""}),
        ("settings/members", {"name": "  Ana ", "role": "moderator"}),
        ("entries/decision", {"status": "related", "seen": ":5 3:1"}),
        ("insight/second-opinions", {"percent": "nan"}),
        ("actions/ladder", {"rung": "log", "grace_hours": "inf", "percent": "95"}),
        ("thresholds", {"threshold": "7"}),
        ("bulk/00000000-0000-0000-0000-000000000000/undo", {}),
    ],
)
def test_what_cannot_work_is_said_on_a_page(
    client: TestClient, path: str, form: dict[str, str]
) -> None:
    code, text = post(client, path, **form)

    assert code in {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.NOT_FOUND}
    assert "Back to the queue" in text


def test_a_crafted_link_cannot_bend_the_undo_of_a_bulk(client: TestClient) -> None:
    crafted = client.get("/console/cooks/history?bulk=../decisions/5&said=x", headers=HTML)

    assert crafted.status_code == HTTPStatus.OK
    assert "../decisions" not in crafted.text
