"""Where one is led after signing in, and which attempts count together."""

import asyncio

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from api.console.entering import access, sign_in
from api.console.entering.access import csrf_of, refuse_forged, seal
from api.console.settings import ConsoleSettings
from tests.servers.api_service import make_settings
from tests.servers.asgi import scope_of

SETTINGS = make_settings()
OTHER = make_settings(secret_key="another-secret-of-the-service-123456")  # noqa: S106


@pytest.mark.parametrize(
    ("path", "led_to"),
    [
        ("/console/cooks/review", "/console/cooks/review"),
        ("/console/cooks/review?sort=oldest", "/console/cooks/review?sort=oldest"),
        ("", "/console"),
        ("/console", "/console"),
        ("/v1/forums", "/console"),
        ("https://elsewhere.example/console/", "/console"),
        ("//elsewhere.example/console/", "/console"),
        ("/console//elsewhere.example", "/console"),
        ("/console/\\elsewhere.example", "/console"),
        ("/console/x\r\nSet-Cookie: a=b", "/console"),
        ("/console/x\u202e", "/console"),
        ("javascript:/console/", "/console"),
    ],
)
def test_nobody_is_led_out_of_the_console(path: str, led_to: str) -> None:
    assert sign_in._inside(path) == led_to  # noqa: SLF001  # pure


@given(st.text(max_size=40))
def test_whatever_is_asked_for_one_stays_inside(path: str) -> None:
    led_to = sign_in._inside(path)  # noqa: SLF001  # as above

    assert led_to == "/console" or led_to.startswith("/console/")
    assert led_to.isprintable()
    assert "//" not in led_to


def limits(name: str, address: str = "203.0.113.9", **headers: str) -> dict[str, int]:
    request = Request({**scope_of(**headers), "client": (address, 1)})
    return sign_in._limits(request, SETTINGS, name)  # noqa: SLF001  # pure: it only names buckets


def test_one_name_and_one_address_are_counted_however_they_are_written() -> None:
    assert limits("Ana") == limits("  ANA ")
    assert limits("Ana") != limits("Ben")
    assert set(limits("Ana")) & set(limits("Ana", "203.0.113.10")) == {"name:ana"}
    assert set(limits("Ana")) & set(limits("Ben")) == {"address:203.0.113.9"}


def test_a_browser_that_is_known_has_a_bucket_that_no_stranger_fills() -> None:
    signer = sign_in._browser_signer(SETTINGS, "Ana")  # noqa: SLF001  # what a cookie is made with
    cookie = f"{sign_in.KNOWN}={signer.sign('browser-1').decode()}"

    known = limits("ana", cookie=cookie)

    assert list(known) == ["browser:browser-1"]
    assert limits("Ben", cookie=cookie) == limits("Ben")
    assert limits("Ana", cookie=f"{sign_in.KNOWN}=browser-1.forged") == limits("Ana")


def test_a_cookie_of_a_session_opens_only_with_the_key_that_sealed_it() -> None:
    console = ConsoleSettings()
    cookie = seal(SETTINGS, "token")

    assert access._unseal(SETTINGS, cookie, console) == "token"  # noqa: SLF001  # no request needed
    assert access._unseal(OTHER, cookie, console) is None  # noqa: SLF001
    assert access._unseal(SETTINGS, cookie[:-2], console) is None  # noqa: SLF001
    assert access._unseal(SETTINGS, "", console) is None  # noqa: SLF001
    assert "token" not in csrf_of(SETTINGS, "token")
    assert csrf_of(SETTINGS, "token") != csrf_of(OTHER, "token") != csrf_of(OTHER, "other")


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"x_csrf_token": "right"}, True),
        ({"x_csrf_token": "right", "sec_fetch_site": "same-origin"}, True),
        ({"x_csrf_token": "right", "sec_fetch_site": "none"}, True),
        ({"x_csrf_token": "right", "sec_fetch_site": "cross-site"}, False),
        ({"x_csrf_token": "right", "sec_fetch_site": "same-site"}, False),
        ({"x_csrf_token": "wrong"}, False),
        ({"x_csrf_token": "righ\u00e9"}, False),
        ({}, False),
    ],
)
def test_a_form_of_another_site_changes_nothing(headers: dict[str, str], passes: bool) -> None:
    async def nothing() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = scope_of(method="POST")
    scope["headers"] = [
        (name.replace("_", "-").encode(), text.encode("latin-1")) for name, text in headers.items()
    ]
    check = refuse_forged(Request(scope, nothing), "right")

    if passes:
        asyncio.run(check)
    else:
        with pytest.raises(access.ForgedRequestError):
            asyncio.run(check)
