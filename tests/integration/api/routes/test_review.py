from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from api.console.entering.sign_in import ATTEMPTS
from db.tables.pairs import Pair
from db.tables.review import SignInAttempt, SignInLink
from db.tenants import people
from db.tenants.people import Role
from tests.rows.review import PASSWORD, Seeded, flag, make_person, seed_questions
from tests.servers.api_service import make_client, make_key

Factory = sessionmaker[Session]
HTML = {"Accept": "text/html"}


@pytest.fixture
def seeded(sessions: Factory) -> Seeded:
    with sessions.begin() as session:
        made = seed_questions(session, *(f"How do I boil egg {n}" for n in range(5)))
        make_person(session, made.forum, "Ana")
    return made


@pytest.fixture
def client(sessions: Factory, seeded: Seeded) -> Iterator[TestClient]:
    key = make_key(sessions, seeded.forum.name, scopes=("review",))
    with make_client(sessions, key) as client:
        yield client


@pytest.fixture
def visitor(sessions: Factory, seeded: Seeded) -> Iterator[TestClient]:
    """A browser without a key."""
    assert seeded.questions
    with make_client(sessions, None) as client:
        client.follow_redirects = False
        yield client


def make_pair(sessions: Factory, seeded: Seeded, one: int = 0, other: int = 1) -> str:
    with sessions.begin() as session:
        return str(flag(session, seeded, one, other))


def decide(client: TestClient, pair: str, **changes: object) -> dict[str, object]:
    body = {"moderator": "rosa", "decision": "duplicate", "version": 1, **changes}
    answer = client.post(f"/v1/forums/cooks/pairs/{pair}/decision", json=body)
    return {"code": answer.status_code, **answer.json()}


def sign_in(client: TestClient, secret: str = PASSWORD, name: str = "Ana") -> int:
    form = {"name": name, "secret": secret}
    return client.post("/console/sign-in", data=form, headers=HTML).status_code


def csrf_of(client: TestClient) -> str:
    page = client.get("/console/cooks/review", headers=HTML).text
    return page.split('name="csrf" content="')[1].split('"')[0]


def test_a_backend_claims_decides_and_takes_back(
    client: TestClient, sessions: Factory, seeded: Seeded
) -> None:
    pair = make_pair(sessions, seeded)
    path = f"/v1/forums/cooks/pairs/{pair}"

    claimed = client.post(f"{path}/claim", json={"moderator": "rosa"}).json()
    done = decide(client, pair, canonical="q-2", note="Same eggs.")
    group = client.get(f"/v1/forums/cooks/groups/{done['group_id']}").json()
    undone = client.post(f"{path}/undo", json={"moderator": "rosa"}).json()

    assert claimed["holder"] == "rosa"
    assert (done["code"], done["status"], done["version"]) == (200, "duplicate", 2)
    assert [(q["id"], q["canonical"]) for q in group["questions"]] == [
        ("q-2", True),
        ("q-1", False),
    ]
    assert (undone["status"], undone["version"]) == ("flagged", 3)
    assert client.get("/v1/forums/cooks/groups").json() == {"groups": []}


def test_a_conflict_holds_both_versions(
    client: TestClient, sessions: Factory, seeded: Seeded
) -> None:
    pair = make_pair(sessions, seeded)
    decide(client, pair, decision="related", moderator="ben")

    refused = decide(client, pair)

    assert refused["code"] == HTTPStatus.CONFLICT
    assert refused["seen"] == {"version": 1}
    current = refused["current"]
    assert isinstance(current, dict)
    assert {"version": 2, "status": "related", "decided_by": "ben"}.items() <= current.items()


def test_a_merge_is_refused_until_it_is_wanted(
    client: TestClient, sessions: Factory, seeded: Seeded
) -> None:
    decide(client, make_pair(sessions, seeded, 0, 1))
    decide(client, make_pair(sessions, seeded, 2, 3))
    bridge = make_pair(sessions, seeded, 1, 2)

    refused = decide(client, bridge)
    done = decide(client, bridge, merge=True)

    assert refused["code"] == HTTPStatus.CONFLICT
    assert isinstance(refused["groups"], list)
    assert [group["size"] for group in refused["groups"]] == [2, 2]
    assert done["code"] == HTTPStatus.OK
    listed = client.get("/v1/forums/cooks/groups").json()["groups"]
    assert [group["size"] for group in listed] == [4]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"decision": "flagged"}, 422),
        ({"decision": "maybe"}, 422),
        ({"canonical": "q-5"}, 422),
        ({"canonical": "nowhere"}, 404),
        ({"version": 0}, 422),
        ({"note": "n" * 501}, 422),
        ({"surprise": 1}, 422),
        ({"moderator": "service"}, 422),
        ({"moderator": " Archive"}, 422),
    ],
)
def test_what_can_never_work_is_refused(
    client: TestClient, sessions: Factory, seeded: Seeded, changes: dict[str, object], code: int
) -> None:
    pair = make_pair(sessions, seeded)

    assert decide(client, pair, **changes)["code"] == code
    with sessions.begin() as session:
        assert session.execute(select(Pair.version)).scalar_one() == 1


def test_undo_needs_a_decision_on_this_very_pair(
    client: TestClient, sessions: Factory, seeded: Seeded
) -> None:
    first, second = make_pair(sessions, seeded), make_pair(sessions, seeded, 2, 3)
    done = decide(client, first)

    def undo(pair: str, **body: object) -> int:
        path = f"/v1/forums/cooks/pairs/{pair}/undo"
        return client.post(path, json={"moderator": "rosa", **body}).status_code

    assert undo(second) == HTTPStatus.NOT_FOUND
    assert undo(second, decision_id=done["id"]) == HTTPStatus.NOT_FOUND
    assert undo(first, moderator="ben") == HTTPStatus.CONFLICT
    assert undo(first) == HTTPStatus.OK


def test_the_canonical_question_can_be_chosen_later(
    client: TestClient, sessions: Factory, seeded: Seeded
) -> None:
    group = decide(client, make_pair(sessions, seeded))["group_id"]

    body = {"moderator": "rosa", "question": "q-2"}
    answer = client.put(f"/v1/forums/cooks/groups/{group}/canonical", json=body)

    assert answer.json()["questions"][0]["id"] == "q-2"


def test_reviewing_needs_the_scope_and_the_forum(sessions: Factory, seeded: Seeded) -> None:
    pair = make_pair(sessions, seeded)
    submitter = make_client(sessions, make_key(sessions, "cooks", scopes=("submit",)))
    stranger = make_client(sessions, make_key(sessions, "bakers", scopes=("review",)))

    assert decide(submitter, pair)["code"] == HTTPStatus.FORBIDDEN
    assert decide(stranger, pair)["code"] == HTTPStatus.NOT_FOUND


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    visitor: TestClient,
) -> None:
    form = {"name": "Ana", "secret": PASSWORD}
    answer = visitor.post("/console/sign-in", data=form, headers=HTML)

    cookie = answer.headers["set-cookie"].lower()
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/console" in cookie
    assert visitor.get("/console/cooks/review", headers=HTML).status_code == HTTPStatus.OK


def test_a_forged_cookie_is_no_session(visitor: TestClient) -> None:
    sign_in(visitor)
    value = visitor.cookies["askedbefore_console"]
    visitor.cookies.clear()
    visitor.cookies.set("askedbefore_console", value[:-2] + "xx", path="/console")

    answer = visitor.get("/console/cooks/review", headers=HTML)

    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert answer.headers["location"].startswith("/console/sign-in?next=")


def test_signing_out_ends_the_session_itself(visitor: TestClient) -> None:
    sign_in(visitor)
    value = visitor.cookies["askedbefore_console"]
    visitor.post("/console/sign-out", data={"csrf": csrf_of(visitor)}, headers=HTML)
    visitor.cookies.set("askedbefore_console", value, path="/console")

    answer = visitor.get("/console/cooks/review", headers=HTML)

    assert answer.status_code == HTTPStatus.SEE_OTHER


def test_a_change_without_the_forms_token_is_refused(
    visitor: TestClient, sessions: Factory, seeded: Seeded
) -> None:
    pair = make_pair(sessions, seeded)
    sign_in(visitor)
    form = {"status": "related", "version": "1"}
    path = f"/console/cooks/pairs/{pair}/decision"
    token = csrf_of(visitor)

    assert visitor.post(path, data=form).status_code == HTTPStatus.FORBIDDEN
    assert visitor.post(path, data={**form, "csrf": "x"}).status_code == HTTPStatus.FORBIDDEN
    other_site = {"Sec-Fetch-Site": "cross-site"}
    forged = visitor.post(path, data={**form, "csrf": token}, headers=other_site)
    assert forged.status_code == HTTPStatus.FORBIDDEN
    assert visitor.post(path, data={**form, "csrf": token}).status_code == HTTPStatus.OK


def test_a_form_works_without_any_script(
    visitor: TestClient, sessions: Factory, seeded: Seeded
) -> None:
    pair = make_pair(sessions, seeded)
    sign_in(visitor)
    form = {"status": "not_duplicate", "version": "1", "csrf": csrf_of(visitor)}

    answer = visitor.post(f"/console/cooks/pairs/{pair}/decision", data=form, headers=HTML)

    assert answer.headers["location"] == "/console/cooks/review"
    with sessions.begin() as session:
        assert session.execute(select(Pair.status)).scalar_one() == "not_duplicate"


def test_another_forum_is_not_there(visitor: TestClient, sessions: Factory) -> None:
    with sessions.begin() as session:
        seed_questions(session, "Rye", forum="bakers")
    sign_in(visitor)

    answer = visitor.get("/console/bakers/review", headers=HTML)

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert "bakers" in answer.text


def test_ten_wrong_passwords_close_the_door_for_a_while(
    visitor: TestClient, sessions: Factory
) -> None:
    for _ in range(ATTEMPTS):
        assert sign_in(visitor, "wrong") == HTTPStatus.UNAUTHORIZED

    assert sign_in(visitor) == HTTPStatus.TOO_MANY_REQUESTS
    with sessions.begin() as session:
        session.execute(update(SignInAttempt).values(at=SignInAttempt.at - timedelta(hours=1)))
    assert sign_in(visitor) == HTTPStatus.SEE_OTHER


@pytest.mark.parametrize("name", ["Ana", "nobody"])
def test_a_wrong_password_and_an_unknown_name_are_told_apart_by_nothing(
    visitor: TestClient, name: str
) -> None:
    form = {"name": name, "secret": "wrong"}
    answer = visitor.post("/console/sign-in", data=form, headers=HTML)

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert "The name or the password is wrong." in answer.text


def test_a_personal_key_signs_in_and_a_disabled_person_cannot(
    visitor: TestClient, sessions: Factory
) -> None:
    with sessions.begin() as session:
        ana = people.get_person(session, "Ana")
        key = people.make_personal_key(session, ana.id)

    assert sign_in(visitor, key) == HTTPStatus.SEE_OTHER
    with sessions.begin() as session:
        people.set_disabled(session, ana.id, disabled=True)
    assert visitor.get("/console/cooks/review", headers=HTML).status_code == HTTPStatus.SEE_OTHER
    assert sign_in(visitor, key) == HTTPStatus.UNAUTHORIZED


def test_an_old_link_does_not_sign_in(visitor: TestClient, sessions: Factory) -> None:
    with sessions.begin() as session:
        ana = people.get_person(session, "Ana")
        link = people.create_sign_in_link(session, ana.id, "http://testserver/")
        session.execute(update(SignInLink).values(expires_at=SignInLink.expires_at - timedelta(1)))

    answer = visitor.post(link.removeprefix("http://testserver"), headers=HTML)

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert "ask for a new one" in answer.text


@pytest.mark.parametrize("path", ["https://evil.example", "//evil.example", "/\\evil", "/v1/x"])
def test_signing_in_leads_nowhere_else(visitor: TestClient, path: str) -> None:
    form = {"name": "Ana", "secret": PASSWORD, "next": path}
    answer = visitor.post("/console/sign-in", data=form, headers=HTML)

    assert answer.headers["location"] == "/console"


def test_a_moderator_is_no_admin_unless_made_one(sessions: Factory, seeded: Seeded) -> None:
    with sessions.begin() as session:
        ana = make_person(session, seeded.forum, "Ana")
        assert ana.roles == {"cooks": Role.MODERATOR}
        people.set_role(session, ana.id, seeded.forum.id, Role.ADMIN)
        assert people.get_person(session, "Ana").roles == {"cooks": Role.ADMIN}
        people.set_role(session, ana.id, seeded.forum.id, None)
        assert people.get_person(session, "Ana").roles == {}


@pytest.mark.parametrize(
    "query",
    ["?min=x&max=nan&since=never&model=-1&status=what&sort=?", "?q=%25&group=9&claimed=Ben"],
)
def test_a_filter_that_cannot_be_read_is_left_out(visitor: TestClient, query: str) -> None:
    sign_in(visitor)

    assert visitor.get(f"/console/cooks/review{query}", headers=HTML).status_code == HTTPStatus.OK
