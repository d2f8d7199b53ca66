"""Both forums, the service and browsers; tests are skipped if these cannot be installed."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from integrations.demo.__main__ import demo
from integrations.demo.forum import ROOT, Askbot, DemoError
from integrations.demo.seed_askbot import ASKER, PASSWORD
from integrations.demo.service import Up
from tests.forums import misago_place
from tests.forums.misago_place import Misago
from tests.servers.browser import chromium

QUESTIONS = 30
SHOTS = Path("screenshots")


@dataclass(frozen=True, slots=True)
class Place:
    """A running forum and service, with the first questions of the sample."""

    forum: Askbot
    up: Up


def _have(install: Callable[[], object], name: str) -> None:
    """Install a forum, or skip the tests with the reason if that fails."""
    try:
        install()
    except DemoError as error:
        told = str(error).strip().splitlines()
        errors = [line.strip() for line in told if "ERROR" in line]
        pytest.skip(f"{name} cannot be installed here: {[*told, *errors][-1]}")


@pytest.fixture(scope="package")
def place() -> Iterator[Place]:
    environment = ROOT / ".demo" / "environment"
    _have(Askbot(Path("/nowhere"), 0, environment).install, "Askbot")
    with tempfile.TemporaryDirectory(prefix="abf-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with demo(Path(folder), environment=environment, questions=QUESTIONS) as (forum, up):
            yield Place(forum, up)


@pytest.fixture(scope="package")
def misago(place: Place) -> Iterator[Misago]:
    _have(misago_place.install, "Misago")
    with misago_place.misago(place.up) as made:
        yield made


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    SHOTS.mkdir(exist_ok=True)
    with chromium(required=False) as started:
        yield started


@pytest.fixture(scope="package")
def asker(browser: Browser, place: Place) -> Iterator[Page]:
    """A page of the asker, signed in to Askbot."""
    page = new_page(browser)
    page.goto(f"{place.forum.url}/account/signin/")
    page.locator("#id_username").fill(ASKER)
    page.locator("#id_password").fill(PASSWORD)
    page.locator("input[name=login_with_password]").click()
    expect(page.get_by_role("link", name="Sign in")).to_have_count(0)
    yield page
    page.context.close()


@pytest.fixture(scope="package")
def moderator(browser: Browser, place: Place) -> Iterator[Page]:
    """A page of the moderator, signed in to the console by the link that the demo prints."""
    page = new_page(browser)
    page.goto(place.up.sign_in_link())
    button = page.get_by_role("button", name="Sign in")
    if button.count():
        button.click()
    page.wait_for_url("**/review*")
    yield page
    page.context.close()


def new_page(browser: Browser) -> Page:
    """Return a page in a browser context of its own, without cookies of others."""
    page = browser.new_context(viewport={"width": 1100, "height": 800}).new_page()
    page.set_default_timeout(30_000)
    return page
