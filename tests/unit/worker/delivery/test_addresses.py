"""Which addresses a webhook may call, and how the call is spelt."""

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import InvalidInputError
from worker.delivery.addresses import (
    URL_LENGTH,
    ForbiddenAddressError,
    Target,
    UnresolvableError,
    check_url,
    is_public,
    resolve,
)

V4 = st.ip_addresses(v=4) | st.sampled_from([IPv4Address("10.0.0.1"), IPv4Address("1.1.1.1")])
PUBLIC, PRIVATE, LOCAL_V6 = "93.184.216.34", "192.168.1.7", "fd00::7"


def answered_with(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[tuple[object, ...]]:
    """Let the name service answer with *addresses*, and return what it was asked."""
    asked: list[tuple[object, ...]] = []

    def look_up(host: str, port: int, **kinds: object) -> list[tuple[object, ...]]:
        asked.append((host, port, kinds["type"]))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def inside(form: str, address: IPv4Address) -> str:
    """Return an IPv6 address that leads to an IPv4 address."""
    four = address.packed
    packed = {
        "mapped": b"\0" * 10 + b"\xff\xff" + four,
        "NAT64": b"\0\x64\xff\x9b" + b"\0" * 8 + four,
        "6to4": b"\x20\x02" + four + b"\0" * 10,
    }[form]
    return str(IPv6Address(packed))


@given(V4, st.sampled_from(["mapped", "NAT64", "6to4"]))
def test_an_address_within_another_is_as_public_as_it_is_itself(
    address: IPv4Address, form: str
) -> None:
    assert is_public(inside(form, address)) is is_public(str(address))


@given(V4, st.sampled_from([0x0000, 0x0200]))
def test_a_tunnel_into_a_private_network_is_never_public(address: IPv4Address, mark: int) -> None:
    prefix = IPv6Address("2606:4700::").packed[:8]
    tunnel = IPv6Address(prefix + mark.to_bytes(2, "big") + b"\x5e\xfe" + address.packed)

    assert is_public(str(tunnel)) is is_public(str(address))


@given(st.ip_addresses())
def test_no_address_that_python_calls_private_is_public(
    address: IPv4Address | IPv6Address,
) -> None:
    leads_to_another = isinstance(address, IPv6Address) and (
        address.ipv4_mapped is not None or address.sixtofour is not None
    )
    if not leads_to_another and (address.is_private or address.is_multicast):
        assert not is_public(str(address))


@given(st.ip_addresses(v=4, network="192.0.0.0/24") | st.ip_addresses(v=4, network="224.0.0.0/4"))
def test_no_relay_and_no_group_is_public(address: IPv4Address) -> None:
    assert not is_public(str(address))


@pytest.mark.parametrize("zone", ["%eth0", "%1", "%25lo"])
def test_an_address_with_a_zone_is_seen_without_it(zone: str) -> None:
    assert not is_public(f"fe80::1{zone}")
    assert is_public(f"2606:4700::1111{zone}")


@pytest.mark.parametrize(
    "url",
    [
        "https://forum.example",
        "https://forum.example/hook?a=1&b=%20",
        "https://forum.example:8443/hook",
        "https://m\u00fcller.example/",
        "https://forum_1.example/",
        "https://[2606:4700::1111]:8443/hook",
        "https://1.1.1.1/hook",
        "HTTPS://FORUM.EXAMPLE/",
        "https://forum.example/" + "x" * (URL_LENGTH - 22),
    ],
)
def test_a_url_that_can_be_called_is_kept_as_it_is(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "begins with https://"),
        ("forum.example/hook", "begins with https://"),
        ("https:///hook", "begins with https://"),
        ("https://:8443/hook", "begins with https://"),
        ("https://forum.example:0/", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("http://forum.example/", "must be https"),
        ("https://ana@forum.example/", "holds no password"),
        ("https://:secret@forum.example/", "holds no password"),
        ("https://forum.example/" + "x" * (URL_LENGTH - 21), "at most 500 characters"),
        ("https://forum.example/a\u200bb", "holds no password"),
        ("https://forum.example:99999/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://" + "a" * 64 + ".example/", "not a URL"),
        ("https://for..um.example/", "not a URL"),
        ("https://forum.example\\@inside/", "holds no password"),
        ("https://a b.example/", "not a URL"),
    ],
)
def test_a_url_that_cannot_be_called_is_refused_with_a_reason(url: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        check_url(url)


@given(
    st.text(max_size=30)
    | st.text("htps:/[]@.%\\#?0a\u00fc\u3002 ", max_size=30).map("https://".__add__)
)
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        kept = check_url(text, allow_private=True)
    except InvalidInputError:
        return

    assert kept == text
    assert urlsplit(kept).hostname


def test_inside_the_own_network_http_may_be_allowed() -> None:
    assert check_url("http://forum:8080/hook", allow_private=True) == "http://forum:8080/hook"


def test_a_name_is_looked_up_once_and_the_call_goes_to_the_first_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answered_with(monkeypatch, PUBLIC, "1.1.1.1")

    target = resolve("https://Forum.example/hook?a=1#part")

    assert asked == [("forum.example", 443, socket.SOCK_STREAM)]
    assert target == Target(
        scheme="https", host="forum.example", port=443, path="/hook?a=1", address=PUBLIC
    )
    assert target.pinned_url == f"https://{PUBLIC}:443/hook?a=1"
    assert target.host_header == "forum.example"


@pytest.mark.parametrize("addresses", [[PRIVATE], [PUBLIC, PRIVATE], [LOCAL_V6, PUBLIC]])
def test_one_private_address_of_a_name_is_enough_to_forbid_it(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    answered_with(monkeypatch, *addresses)

    with pytest.raises(ForbiddenAddressError, match=r"^forum\.example is in a private network$"):
        resolve("https://forum.example/")
    assert resolve("https://forum.example/", allow_private=True).address == addresses[0]


@pytest.mark.parametrize("error", [socket.gaierror(-2, "not known"), UnicodeError("label")])
def test_a_name_that_cannot_be_looked_up_is_named(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(UnresolvableError, match=r"forum\.example cannot be resolved"):
        resolve("https://forum.example/")


def test_what_is_no_url_is_never_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answered_with(monkeypatch, PUBLIC)

    with pytest.raises(InvalidInputError):
        resolve("http://forum.example/")

    assert asked == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://m\u00fcller.example/", "xn--mller-kva.example"),
        ("https://\uff46orum.example/", "forum.example"),
        ("https://forum\u3002example/", "forum.example"),
        ("https://[2606:4700::1111]/", "2606:4700::1111"),
    ],
)
def test_a_name_is_asked_for_as_the_network_knows_it(
    monkeypatch: pytest.MonkeyPatch, url: str, host: str
) -> None:
    asked = answered_with(monkeypatch, PUBLIC)

    assert resolve(url).host == host
    assert asked[0][0] == host


@pytest.mark.parametrize(
    ("target", "url", "header"),
    [
        (("https", "a.example", 443, PUBLIC), f"https://{PUBLIC}:443/h", "a.example"),
        (("https", "a.example", 8443, PUBLIC), f"https://{PUBLIC}:8443/h", "a.example:8443"),
        (("http", "a.example", 443, PUBLIC), f"http://{PUBLIC}:443/h", "a.example:443"),
        (("http", "a.example", 80, PUBLIC), f"http://{PUBLIC}:80/h", "a.example"),
        (("https", "::1", 443, "::1"), "https://[::1]:443/h", "[::1]"),
        (("https", "::1", 8443, "::1"), "https://[::1]:8443/h", "[::1]:8443"),
    ],
)
def test_the_call_goes_to_the_address_and_names_the_host(
    target: tuple[str, str, int, str], url: str, header: str
) -> None:
    scheme, host, port, address = target
    made = Target(scheme=scheme, host=host, port=port, path="/h", address=address)

    assert made.pinned_url == url
    assert made.host_header == header


@given(V4 | st.ip_addresses(v=6), st.integers(1, 65_535))
def test_the_pinned_url_leads_to_the_checked_address_and_port(
    address: IPv4Address | IPv6Address, port: int
) -> None:
    made = Target(scheme="https", host="a.example", port=port, path="/", address=str(address))

    parts = urlsplit(made.pinned_url)

    assert ipaddress.ip_address(parts.hostname or "") == address
    assert parts.port == port
