"""Which addresses webhooks may call: none inside the operator's own network.

A name is resolved once, all its addresses are checked, and the connection goes to the address that
was checked. So a name that points elsewhere a moment later has no effect.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from db.errors import InvalidInputError

URL_LENGTH = 500


class WebhookSettings(BaseSettings):
    """Webhook settings, read from ``ASKEDBEFORE_WEBHOOKS_*``."""

    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_WEBHOOKS_", frozen=True)

    allow_private: bool = Field(
        default=False, description="Let webhooks call http and addresses inside your own network"
    )


_PORTS = {"https": 443, "http": 80}


class ForbiddenAddressError(InvalidInputError):
    """This address is in a private network."""


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
    except ValueError as error:
        raise InvalidInputError(f"this is no URL: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise InvalidInputError("a webhook's URL begins with https:// and names a host")
    if parts.scheme == "http" and not allow_private:
        raise InvalidInputError("a webhook's URL must be https: what it carries is nobody else's")
    if parts.username is not None or len(url) > URL_LENGTH or not url.isprintable():
        raise InvalidInputError("a webhook's URL holds no password and at most 500 characters")
    return url


def resolve(url: str, *, allow_private: bool = False) -> Target:
    """Return the target of a call to *url*; raises `ForbiddenAddressError` and `OSError`."""
    check_url(url, allow_private=allow_private)
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(is_public(address) for address in addresses):
        raise ForbiddenAddressError(f"{host} lies in a private network")
    path = parts.path or "/"
    return Target(
        scheme=parts.scheme,
        host=host,
        port=port,
        path=f"{path}?{parts.query}" if parts.query else path,
        address=addresses[0],
    )


def is_public(address: str) -> bool:
    """Return whether an address belongs to the public internet."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    if inner is not None:
        return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast
