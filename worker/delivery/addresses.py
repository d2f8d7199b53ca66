"""Decides which addresses webhooks may call: none inside the operator's own network.

A name is resolved once, all its addresses are checked, and the connection goes to the checked
address. So it has no effect if the name resolves to another address a moment later.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from db.errors import InvalidInputError
from db.secrets_in_files import ServiceSettings

URL_LENGTH = 500


class WebhookSettings(ServiceSettings):
    """Webhook settings, read from ``ASKEDBEFORE_WEBHOOKS_*``."""

    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_WEBHOOKS_", frozen=True)

    allow_private: bool = Field(
        default=False, description="Let webhooks call http and addresses inside your own network"
    )


_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_RELAYS = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
"""Special networks that Python's `ipaddress` calls global."""
_GLOBAL = IPv6Network("2000::/3")
"""The only IPv6 range with hosts of the open internet."""
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")
_DOCUMENTATION = IPv6Network("3fff::/20")
_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")


class ForbiddenAddressError(InvalidInputError):
    """This address is in a private network."""


class UnresolvableError(InvalidInputError):
    """This name cannot be resolved."""

    def __init__(self, host: str) -> None:
        super().__init__(f"the name {host} cannot be resolved: check the spelling")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target of a call: the name for the Host header and the address to connect to."""

    scheme: str
    host: str
    port: int
    path: str
    address: str

    @property
    def pinned_url(self) -> str:
        """Return the URL with the address in place of the name."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def host_header(self) -> str:
        """Return the value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if _PORTS[self.scheme] == self.port else f"{host}:{self.port}"


def check_url(url: str, *, allow_private: bool = False) -> str:
    """Return *url* if it can be called; raises `InvalidInputError`."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _ascii_host(parts)
    except ValueError as error:  # a UnicodeError is one
        raise InvalidInputError(f"this is not a URL: {error}") from error
    if parts.scheme not in _PORTS or not host or port == 0:
        raise InvalidInputError("a webhook's URL begins with https:// and names a host")
    if parts.scheme == "http" and not allow_private:
        raise InvalidInputError("a webhook's URL must be https: its messages are confidential")
    if parts.username is not None or len(url) > URL_LENGTH or not url.isprintable():
        raise InvalidInputError("a webhook's URL holds no password and at most 500 characters")
    return url


def resolve(url: str, *, allow_private: bool = False) -> Target:
    """Return the target of a call to *url*.

    The name service is asked, and there is no time limit for its answer. Raises
    `ForbiddenAddressError`, `UnresolvableError`, or `InvalidInputError` as `check_url` does.
    """
    check_url(url, allow_private=allow_private)
    parts = urlsplit(url)
    host, port = _ascii_host(parts), parts.port or _PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise UnresolvableError(host) from error
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(is_public(address) for address in addresses):
        raise ForbiddenAddressError(f"{host} is in a private network")
    path = parts.path or "/"
    return Target(
        scheme=parts.scheme,
        host=host,
        port=port,
        path=f"{path}?{parts.query}" if parts.query else path,
        address=addresses[0],
    )


def _ascii_host(parts: SplitResult) -> str:
    """Return the host in ASCII; raises `ValueError` if it is not valid."""
    host = parts.hostname or ""
    if ":" in host:
        return host
    name = host.encode("idna").decode("ascii")
    if name and not _HOST.fullmatch(name):
        raise ValueError("the name of the host has characters that are not allowed")
    return name


def is_public(address: str) -> bool:
    """Return whether *address*, and any IPv4 address inside it, is on the open internet."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv4Address):
        is_special = parsed.is_multicast or any(parsed in relay for relay in _RELAYS)
        return parsed.is_global and not is_special
    if parsed.ipv4_mapped is not None:
        return is_public(str(parsed.ipv4_mapped))
    if parsed in _NAT64:
        return is_public(str(_last_four(parsed)))
    if parsed in _6TO4:
        return is_public(str(IPv4Address(parsed.packed[2:6])))
    if parsed.packed[8:12] in _ISATAP and not is_public(str(_last_four(parsed))):
        return False
    return parsed in _GLOBAL and parsed.is_global and parsed not in _DOCUMENTATION


def _last_four(address: IPv6Address) -> IPv4Address:
    return IPv4Address(address.packed[12:])
