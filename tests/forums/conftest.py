"""The demo, once: a real Askbot, the service, and people in browsers."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from integrations.demo.__main__ import demo
from integrations.demo.forum import ROOT, Askbot
from integrations.demo.seed_askbot import ASKER, PASSWORD
from integrations.demo.service import Up
from tests.browser import chromium

QUESTIONS = 30


@dataclass(frozen=True, slots=True)
class Place:
    """Both, running, with the sample's first questions."""

    forum: Askbot
    up: Up


@pytest.fixture(scope="package")
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="abf-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        environment = ROOT / ".demo" / "environment"
        with demo(Path(folder), environment=environment, questions=QUESTIONS) as (forum, up):
            yield Place(forum, up)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def asker(browser: Browser, place: Place) -> Iterator[Page]:
    """A page of the asker, signed in to Askbot."""
    page = _page(browser)
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
    page = _page(browser)
    page.goto(place.up.sign_in_link())
    button = page.get_by_role("button", name="Sign in")
    if button.count():
        button.click()
    page.wait_for_url("**/review*")
    yield page
    page.context.close()


def _page(browser: Browser) -> Page:
    page = browser.new_context(viewport={"width": 1100, "height": 800}).new_page()
    page.set_default_timeout(30_000)
    return page
