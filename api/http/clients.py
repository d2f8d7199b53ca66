"""Where a request comes from and how the service is reached, as far as it can be believed.

Anybody can send any ``Host`` and ``X-Forwarded-For``. The first is never looked at; the second
counts when the connection comes from a proxy that the settings name.
"""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import HTTPConnection

from api.settings import ApiSettings

_IPV6_HOST_BITS = 64
_PORTS = {"http": 80, "https": 443}
_UNKNOWN = "unknown"


def address_of(request: HTTPConnection, settings: ApiSettings) -> str:
    """Return the address to count attempts by: of the last one that is no trusted proxy.

    For IPv6 it is the network: whoever has one address of a network has all of them.
    """
    # A proxy may add a line of its own behind those that the caller wrote.
    lines = request.headers.getlist("x-forwarded-for")
    hops = [hop.strip() for hop in ",".join(lines).split(",")]
    address = request.client.host if request.client is not None else _UNKNOWN
    while hops and _is_trusted(address, settings) and _is_address(hops[-1]):
        address = hops.pop()
    return _network(address)


def is_secure(request: HTTPConnection, settings: ApiSettings) -> bool:
    """Return whether the browser's connection is encrypted."""
    if settings.public_url:
        return settings.public_url.startswith("https:")
    if request.client is not None and _is_trusted(request.client.host, settings):
        return request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
    return request.url.scheme == "https"


def base_url(request: HTTPConnection, settings: ApiSettings) -> str:
    """Return the address for links: the public one, or that on which the server listens."""
    if settings.public_url:
        return settings.public_url
    scheme = request.scope["scheme"]
    host, port = request.scope.get("server") or ("127.0.0.1", None)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port not in {None, _PORTS.get(scheme)} else "")


def _is_trusted(address: str, settings: ApiSettings) -> bool:
    if not _is_address(address):
        return False
    return any(ip_address(address) in network for network in settings.proxies)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _network(address: str) -> str:
    if not _is_address(address):
        return address
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _IPV6_HOST_BITS), strict=False))
