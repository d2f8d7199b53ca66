"""The real nginx and Caddy with the samples of a whole site: TLS, addresses, sizes, live pages."""

import re
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
import trustme
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.servers.live_server import serving
from tests.servers.proxies import free_ports, nginx_places, running

PROXY = Path(__file__).parents[3] / "deploy" / "proxy"
SITE = "duplicates.example"
MB = 1_000_000
_READ = threading.Event()


async def told(request: Request) -> Response:
    try:
        size = sum([len(part) async for part in request.stream()])
    except ClientDisconnect:  # the proxy cut it off
        return Response(status_code=400)
    return JSONResponse({"size": size, "headers": dict(request.headers)})


def live(_: Request) -> Response:
    def events() -> Iterator[bytes]:
        yield b"data: first\n\n"
        _READ.wait(20)
        yield b"data: last\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


SERVICE = Starlette(
    routes=[
        Route("/console/{forum}/live", live),
        Route("/{path:path}", told, methods=["GET", "POST"]),
    ]
)


Made = tuple[int, int]
"""Where the proxy listens: its port of TLS, and that without."""


@contextmanager
def nginx(service: str, folder: Path, certificate: tuple[Path, Path]) -> Iterator[Made]:
    tls, plain = free_ports(2)
    sample = (PROXY / "nginx.conf").read_text("utf-8")
    sample = re.sub(r"listen \[::\].+;", "", sample)
    for old, new in (
        ("listen 443", f"listen 127.0.0.1:{tls}"),
        ("listen 80", f"listen 127.0.0.1:{plain}"),
        ("127.0.0.1:8000", service),
        (f"/etc/ssl/certs/{SITE}.pem", str(certificate[0])),
        (f"/etc/ssl/private/{SITE}.key", str(certificate[1])),
    ):
        assert old in sample
        sample = sample.replace(old, new)
    user = "user root; " if folder.owner() == "root" else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off; pid {folder}/pid; error_log {folder}/log; events {{}}\n"
        f"http {{ access_log off; {nginx_places(folder)}\n{sample}}}\n"
    )
    with running(["nginx", "-c", f"{folder}/nginx.conf"], tls):
        yield tls, plain


@contextmanager
def caddy(service: str, folder: Path, certificate: tuple[Path, Path]) -> Iterator[Made]:
    tls, plain = free_ports(2)
    sample = (PROXY / "Caddyfile").read_text("utf-8").replace("127.0.0.1:8000", service)
    chain, key = certificate
    assert f"\n{SITE} {{" in sample
    sample = sample.replace(f"\n{SITE} {{", f"\n{SITE} {{\n\ttls {chain} {key}")
    (folder / "Caddyfile").write_text(
        f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {tls}\n"
        f"\tstorage file_system {folder}/caddy\n}}\n{sample}"
    )
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", f"{folder}/Caddyfile"]
    with running(command, tls):
        yield tls, plain


PROXIES: dict[str, Callable[[str, Path, tuple[Path, Path]], AbstractContextManager[Made]]] = {
    "nginx": nginx,
    "caddy": caddy,
}


@pytest.fixture(scope="module", params=PROXIES)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, str]]:
    """A client outside of the proxy, and the proxy's address without TLS."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed: `make deploy-test` fetches it")
    folder = tmp_path_factory.mktemp(request.param)
    authority = trustme.CA()
    chain, key = folder / "chain.pem", folder / "key.pem"
    issued = authority.issue_cert(SITE)
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with (
        serving(SERVICE) as service,
        PROXIES[request.param](service.removeprefix("http://"), folder, (chain, key)) as made,
        httpx.Client(
            base_url=f"https://127.0.0.1:{made[0]}", headers={"Host": SITE}, verify=trusting
        ) as client,
    ):
        client.event_hooks["request"] = [
            lambda sent: sent.extensions.update({"sni_hostname": SITE})
        ]
        yield client, f"http://127.0.0.1:{made[1]}"


@pytest.mark.parametrize("path", ["/v1/forums/cooks/archives", "/console/cooks/archives"])
def test_an_archive_passes_whether_a_program_sends_it_or_a_browser(
    site: tuple[httpx.Client, str], path: str
) -> None:
    answer = site[0].post(path, content=b"x" * 3 * MB)

    assert answer.json()["size"] == 3 * MB


@pytest.mark.parametrize("path", ["/v1/forums/cooks/check", "/console/cooks/archives/3/stop"])
def test_anything_else_so_large_is_refused_before_it_reaches_the_service(
    site: tuple[httpx.Client, str], path: str
) -> None:
    answer = site[0].post(path, content=b"x" * 3 * MB)

    assert answer.status_code in {413, 502}  # Caddy before 2.7 says 502


def test_the_service_hears_the_real_address_and_not_what_a_client_claims(
    site: tuple[httpx.Client, str],
) -> None:
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
    heard = site[0].get("/console", headers=claims).json()["headers"]

    assert heard["x-forwarded-for"] == "127.0.0.1"
    assert heard["x-forwarded-proto"] == "https"
    assert heard["host"] == SITE


def test_an_event_of_a_live_page_is_there_before_the_next(site: tuple[httpx.Client, str]) -> None:
    _READ.clear()
    with site[0].stream("GET", "/console/cooks/live") as answer:
        lines = answer.iter_lines()
        first = next(lines)
        _READ.set()
        rest = list(lines)

    assert first == "data: first"
    assert "data: last" in rest


def test_without_tls_a_browser_is_sent_to_it(site: tuple[httpx.Client, str]) -> None:
    answer = httpx.get(f"{site[1]}/console", headers={"Host": SITE})

    assert answer.status_code == httpx.codes.PERMANENT_REDIRECT
    assert answer.headers["location"].startswith(f"https://{SITE}")
