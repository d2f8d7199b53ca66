"""Strangers who guess lock nobody out, and what a client says of itself is not believed."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.console.entering.sign_in import ATTEMPTS, KNOWN
from api.settings import ApiSettings
from db.tenants import people
from db.tenants.people import Role
from tests.rows.review import PASSWORD, make_person, seed_questions
from tests.servers.api_service import Factory, NotingQueue, make_settings

HTML = {"Accept": "text/html"}
PUBLIC = "https://duplicates.example"


@contextmanager
def browser(
    sessions: Factory, *, address: str = "192.0.2.9", **settings: object
) -> Iterator[TestClient]:
    app = create_app(make_settings(**settings), sessions, NotingQueue())
    client = TestClient(app, client=(address, 50_000), follow_redirects=False, headers=HTML)
    with client:
        yield client


def sign_in(client: TestClient, secret: str, *, name: str = "ana", **headers: str) -> int:
    answer = client.post("/console/sign-in", data={"name": name, "secret": secret}, headers=headers)
    return answer.status_code


@pytest.fixture(autouse=True)
def key(sessions: Factory) -> str:
    """Make Ana, an admin with a password and a personal key."""
    with sessions.begin() as session:
        seeded = seed_questions(session, "How do I boil an egg")
        ana = make_person(session, seeded.forum, "ana", Role.ADMIN)
        return people.make_personal_key(session, ana.id)


def guess(sessions: Factory, times: int, *, address: str = "198.51.100.7") -> list[int]:
    with browser(sessions, address=address) as stranger:
        return [sign_in(stranger, f"guess {number}") for number in range(times)]


def test_a_right_key_passes_whatever_was_guessed(sessions: Factory, key: str) -> None:
    guess(sessions, 2 * ATTEMPTS, address="192.0.2.9")

    with browser(sessions) as ana:
        assert sign_in(ana, key) == HTTPStatus.SEE_OTHER


def test_a_right_password_passes_what_was_guessed_elsewhere(sessions: Factory) -> None:
    answers = guess(sessions, 2 * ATTEMPTS)

    with browser(sessions) as ana:
        assert sign_in(ana, PASSWORD) == HTTPStatus.SEE_OTHER
    assert answers == [HTTPStatus.UNAUTHORIZED] * 10 + [HTTPStatus.TOO_MANY_REQUESTS] * 10


def test_a_browser_that_is_known_passes_whatever_was_guessed_from_anywhere(
    sessions: Factory,
) -> None:
    with browser(sessions) as ana:
        sign_in(ana, PASSWORD)
        ana.cookies.delete("askedbefore_console", path="/console")
        for number in range(15):
            guess(sessions, ATTEMPTS, address=f"198.51.100.{number}")
        guess(sessions, ATTEMPTS, address="192.0.2.9")
        again = sign_in(ana, PASSWORD)
        with browser(sessions) as new:
            unknown = sign_in(new, PASSWORD)

    assert (again, unknown) == (HTTPStatus.SEE_OTHER, HTTPStatus.TOO_MANY_REQUESTS)


def test_a_known_browser_may_guess_no_more_than_another(sessions: Factory) -> None:
    with browser(sessions) as ana:
        sign_in(ana, PASSWORD)
        answers = [sign_in(ana, "wrong") for _ in range(ATTEMPTS + 1)]
        others_name = [sign_in(ana, "wrong", name="ben") for _ in range(ATTEMPTS + 1)]

    assert answers[-1] == others_name[-1] == HTTPStatus.TOO_MANY_REQUESTS


def test_an_address_has_a_limit_over_all_names(
    sessions: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.console.entering.sign_in.ATTEMPTS_OF_ADDRESS", ATTEMPTS + 3)
    with browser(sessions) as stranger:
        answers = [
            sign_in(stranger, "wrong", name=f"name {number}") for number in range(ATTEMPTS + 4)
        ]

    assert answers[-2:] == [HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS]


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_told_apart"),
    [
        ("10.0.0.2", "{}", True),
        ("10.0.0.2", "203.0.113.9, {}", True),
        ("10.0.0.2", "{}, 10.0.0.7", True),
        ("10.0.0.2", "{}, 203.0.113.9", False),
        ("203.0.113.9", "{}", False),
        ("10.0.0.2", "no address, {}x", False),
        ("10.0.0.2", "2001:db8::{}", False),
        ("10.0.0.2", "2001:db8:0:{}::1", True),
    ],
)
def test_who_it_is_comes_from_trusted_proxies_alone(
    sessions: Factory, peer: str, forwarded: str, *, is_told_apart: bool
) -> None:
    with browser(sessions, address=peer, trusted_proxies="10.0.0.0/8") as client:
        answers = []
        for number in range(ATTEMPTS + 1):
            one = str(number) if ":" in forwarded else f"198.51.100.{number}"
            headers = {"X-Forwarded-For": forwarded.format(one)}
            answers.append(sign_in(client, "wrong", **headers))

    is_let_in = answers[-1] == HTTPStatus.UNAUTHORIZED
    assert is_let_in is is_told_apart


def cookies(client: TestClient, **headers: str) -> list[str]:
    answer = client.post(
        "/console/sign-in", data={"name": "ana", "secret": PASSWORD}, headers=headers
    )
    return answer.headers.get_list("set-cookie")


@pytest.mark.parametrize(
    ("settings", "headers", "is_secure"),
    [
        ({"public_url": PUBLIC}, {}, True),
        ({"public_url": "http://localhost:8000"}, {"X-Forwarded-Proto": "https"}, False),
        ({"trusted_proxies": "192.0.2.0/24"}, {"X-Forwarded-Proto": "https"}, True),
        ({"trusted_proxies": "10.0.0.0/8"}, {"X-Forwarded-Proto": "https"}, False),
        ({}, {}, False),
    ],
)
def test_cookies_are_secure_where_the_browsers_connection_is(
    sessions: Factory, settings: dict[str, Any], headers: dict[str, str], *, is_secure: bool
) -> None:
    with browser(sessions, **settings) as client:
        found = cookies(client, **headers)

    assert {cookie.split("=")[0] for cookie in found} == {"askedbefore_console", KNOWN}
    assert all(("Secure" in cookie) is is_secure for cookie in found)
    assert all("HttpOnly" in cookie and "SameSite=lax" in cookie for cookie in found)


@pytest.mark.parametrize("public_url", [PUBLIC, ""])
def test_a_link_never_follows_the_host_header(sessions: Factory, public_url: str) -> None:
    with browser(sessions, public_url=public_url) as ana:
        ana.base_url = "https://testserver" if public_url else "http://testserver"
        sign_in(ana, PASSWORD)
        page = ana.get("/console/cooks/settings").text
        token = page.split('name="csrf" content="')[1].split('"')[0]
        answer = ana.post(
            "/console/cooks/settings/members/link",
            data={"name": "ana", "csrf": token},
            headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
        )

    assert answer.status_code == HTTPStatus.OK
    assert "evil.example" not in answer.text
    assert f"{public_url or 'http://testserver'}/console/sign-in/" in answer.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"public_url": "duplicates.example"},
        {"public_url": "https://duplicates.example/path?query"},
        {"public_url": "https://duplicates.example//path"},
        {"public_url": "https://duplicates.example/console"},
        {"trusted_proxies": "everybody"},
    ],
)
def test_addresses_that_are_none_are_refused_at_start(wrong: dict[str, str]) -> None:
    fixed = {"redis_url": "redis://localhost/0", "secret_key": "0123456789abcdef" * 2}
    with pytest.raises(ValueError, match=r"public_url|network"):
        ApiSettings.model_validate(fixed | wrong)
