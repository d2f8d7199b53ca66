"""Under a path of another site: every link leads back through the proxy, whichever it is."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app
from db.tenants.people import Role
from tests.rows.review import PASSWORD, flag, make_person, seed_questions
from tests.servers.api_service import Factory, NotingQueue, make_key, make_settings
from tests.servers.live_server import serving
from tests.servers.proxies import free_ports, nginx_places, running

PROXY = Path(__file__).parents[4] / "deploy" / "proxy"
PATH = "/duplicates"
_LINK = re.compile(r"(?:href|src|action|formaction|data-base)=\"(/[^\"]*)\"")
_TO_READ = re.compile(r"(?:href|src)=\"([^\"]+)\"")
_MOST_PAGES = 40


class Taking:
    """A proxy that takes the path off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            assert scope["path"].startswith(f"{PATH}/"), "the proxy serves this path to others"
            scope = {**scope, "path": scope["path"].removeprefix(PATH)}
        await self._app(scope, receive, send)


@contextmanager
def taking(app: Starlette, _: Path) -> Iterator[str]:
    with serving(Taking(app)) as address:
        yield address


@contextmanager
def passing_on(app: Starlette, _: Path) -> Iterator[str]:
    with serving(app) as address:
        yield address


@contextmanager
def nginx(app: Starlette, folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    with serving(app) as address:
        sample = (PROXY / "nginx-path.conf").read_text("utf-8")
        (folder / "nginx.conf").write_text(
            f"user root; daemon off; pid {folder}/pid; error_log {folder}/log; events {{}}\n"
            f"http {{ access_log off; {nginx_places(folder)}"
            f" upstream askedbefore {{ server {address.removeprefix('http://')}; keepalive 4; }}\n"
            f"server {{ listen 127.0.0.1:{port}; location / {{ return 418; }}\n{sample}}} }}\n"
        )
        with running(["nginx", "-c", str(folder / "nginx.conf")], port):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def caddy(app: Starlette, folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    with serving(app) as address:
        sample = (PROXY / "Caddyfile-path").read_text("utf-8")
        sample = sample.replace("127.0.0.1:8000", address.removeprefix("http://"))
        sample = sample.replace("forum.example {", f"http://127.0.0.1:{port} {{")
        (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n}}\n{sample}")
        command = ["caddy", "run", "--adapter", "caddyfile", "--config", f"{folder}/Caddyfile"]
        with running(command, port):
            yield f"http://127.0.0.1:{port}"


PROXIES: dict[str, Callable[[Starlette, Path], AbstractContextManager[str]]] = {
    "taking": taking,
    "passing_on": passing_on,
    "nginx": nginx,
    "caddy": caddy,
}


@pytest.fixture(params=PROXIES)
def browser(
    request: pytest.FixtureRequest, committed: Factory, tmp_path: Path
) -> Iterator[httpx.Client]:
    """Ana's browser, signed in through a proxy that serves the path."""
    if request.param in {"nginx", "caddy"} and shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    with committed.begin() as session:
        seeded = seed_questions(session, *(f"How do I boil egg {n}" for n in range(4)))
        flag(session, seeded, 0, 1)
        make_person(session, seeded.forum, "ana", Role.ADMIN)
    settings = make_settings(public_url=f"http://forum.example{PATH}")
    app = create_app(settings, committed, NotingQueue())
    with ExitStack() as stack:
        outside = stack.enter_context(PROXIES[request.param](app, tmp_path))
        client = stack.enter_context(
            httpx.Client(base_url=outside, follow_redirects=True, timeout=60)
        )
        signed_in = client.post(
            f"{PATH}/console/sign-in",
            data={"name": "ana", "secret": PASSWORD},
            headers={"Accept": "text/html"},
        )
        assert signed_in.url.path == f"{PATH}/console/cooks/review"
        yield client


def test_every_link_of_the_console_leads_back_through_the_proxy(browser: httpx.Client) -> None:
    seen, waiting = set[str](), [f"{PATH}/console"]
    while waiting and len(seen) < _MOST_PAGES:
        path = waiting.pop(0)
        answer = browser.get(path, headers={"Accept": "text/html"})
        assert answer.is_success, path
        seen.add(path)
        if "text/html" in answer.headers["content-type"]:
            links = set(_LINK.findall(answer.text))
            assert {link for link in links if not link.startswith(f"{PATH}/")} == set(), path
            found = {link.replace("&amp;", "&") for link in _TO_READ.findall(answer.text)}
            waiting += sorted(link for link in found - seen - set(waiting) if link.startswith("/"))
    assert len(seen) > 15
    assert any("/static/" in one for one in seen)


def test_cookies_belong_to_the_path_and_signing_out_takes_them_away(
    browser: httpx.Client,
) -> None:
    paths = {cookie.path for cookie in browser.cookies.jar}
    page = browser.get(f"{PATH}/console/cooks/review", headers={"Accept": "text/html"})
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf is not None

    left = browser.post(f"{PATH}/console/sign-out", data={"csrf": csrf[1]})
    again = browser.get(f"{PATH}/console/cooks/review", headers={"Accept": "text/html"})

    assert paths == {f"{PATH}/console"}
    assert left.url.path == f"{PATH}/console/sign-in"
    assert again.url.path == f"{PATH}/console/sign-in"


def test_events_of_a_live_page_come_at_once(browser: httpx.Client) -> None:
    with browser.stream("GET", f"{PATH}/console/cooks/live", timeout=60) as live:
        first = next(live.iter_text())

    assert live.headers["content-type"].startswith("text/event-stream")
    assert first.strip()


def test_the_api_names_its_addresses_under_the_path(
    browser: httpx.Client, committed: Factory
) -> None:
    key = make_key(committed, "cooks")
    headers = {"Authorization": f"Bearer {key}"}

    put = browser.put(
        f"{PATH}/v1/forums/cooks/questions/new", json={"title": "How?"}, headers=headers
    )

    where = put.json()["status_url"]
    assert where == f"{PATH}/v1/forums/cooks/questions/new"
    assert browser.get(where, headers=headers).json()["id"] == "new"
    assert browser.get(f"{PATH}/openapi.json").json()["servers"] == [{"url": PATH}]
    assert "currentScript" in browser.get(f"{PATH}/widget.js").text
    assert browser.get(f"{PATH}/livez").is_success
