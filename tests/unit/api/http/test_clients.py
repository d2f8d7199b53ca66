"""Where a request comes from: only proxies that the settings name are believed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from api.http.clients import address_of, base_url, is_secure
from tests.servers.api_service import make_settings

PROXY, OTHER_PROXY, CALLER = "10.0.0.2", "10.0.0.3", "203.0.113.9"
BEHIND = make_settings(trusted_proxies="10.0.0.0/24")
OPEN = make_settings()


def request(client: str | None = CALLER, *, scheme: str = "http", **headers: str) -> Request:
    scope: dict[str, Any] = {
        "type": "http",
        "scheme": scheme,
        "server": ("service.example", 8000),
        "path": "/",
        "client": None if client is None else (client, 5000),
        "headers": [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()],
    }
    return Request(scope)


@given(st.lists(st.sampled_from([PROXY, CALLER, "198.51.100.1", "nonsense", ""]), max_size=4))
def test_a_caller_with_no_proxy_before_it_can_claim_nothing(claimed: list[str]) -> None:
    said = request(x_forwarded_for=", ".join(claimed))

    assert address_of(said, OPEN) == address_of(said, BEHIND) == CALLER


@given(st.lists(st.sampled_from(["198.51.100.1", "203.0.113.77", "nonsense"]), max_size=3))
def test_what_the_last_proxy_saw_counts_and_not_what_a_caller_wrote_before(
    claimed: list[str],
) -> None:
    through = request(PROXY, x_forwarded_for=", ".join([*claimed, CALLER, OTHER_PROXY]))

    assert address_of(through, BEHIND) == CALLER


@pytest.mark.parametrize("claimed", ["198.51.100.1", "203.0.113.77, 10.0.0.9", "nonsense"])
def test_a_proxy_that_adds_a_line_of_its_own_is_heard_before_the_callers_line(claimed: str) -> None:
    through = request(PROXY, x_forwarded_for=claimed)
    through.scope["headers"].append((b"x-forwarded-for", CALLER.encode()))

    assert address_of(Request(through.scope), BEHIND) == CALLER


@pytest.mark.parametrize(
    ("client", "forwarded", "counted"),
    [
        (PROXY, "", PROXY),
        (PROXY, "nonsense", PROXY),
        (PROXY, OTHER_PROXY, OTHER_PROXY),
        (None, CALLER, "unknown"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        (PROXY, "2001:db8:1:2::99", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", CALLER),
    ],
)
def test_addresses_are_counted_by_who_holds_them(
    client: str | None, forwarded: str, counted: str
) -> None:
    assert address_of(request(client, x_forwarded_for=forwarded), BEHIND) == counted


@pytest.mark.parametrize(
    ("client", "scheme", "claimed", "secure"),
    [
        (CALLER, "http", "https", False),
        (CALLER, "https", "http", True),
        (PROXY, "http", "https", True),
        (PROXY, "https", "http", False),
    ],
)
def test_a_proxy_says_how_the_browser_is_connected_and_nobody_else(
    client: str, scheme: str, claimed: str, *, secure: bool
) -> None:
    assert is_secure(request(client, scheme=scheme, x_forwarded_proto=claimed), BEHIND) is secure


@pytest.mark.parametrize(("url", "secure"), [("https://ask.example", True), ("http://in", False)])
def test_the_public_address_says_it_where_there_is_one(url: str, *, secure: bool) -> None:
    settings = make_settings(public_url=url)

    assert is_secure(request(scheme="http" if secure else "https"), settings) is secure
    assert base_url(request(), settings) == url


@pytest.mark.parametrize(
    ("scheme", "server", "shown"),
    [
        ("http", ("127.0.0.1", 8000), "http://127.0.0.1:8000"),
        ("http", ("127.0.0.1", 80), "http://127.0.0.1"),
        ("https", ("127.0.0.1", 443), "https://127.0.0.1"),
        ("http", ("::1", 8000), "http://[::1]:8000"),
        ("http", None, "http://127.0.0.1"),
    ],
)
def test_links_lead_to_where_the_server_listens_whatever_the_host_header_says(
    scheme: str, server: tuple[str, int] | None, shown: str
) -> None:
    asked = request(scheme=scheme, host="evil.example")
    asked.scope["server"] = server

    assert base_url(asked, OPEN) == shown
