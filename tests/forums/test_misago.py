"""Misago's own models and pages: threads are submitted, closed with a link, and opened again."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from cli.running.service import wait_until
from tests.acceptance.console.desk import is_saved
from tests.forums.conftest import SHOTS, new_page
from tests.forums.misago_place import FORUM, Misago

pytestmark = [
    pytest.mark.forums,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STORED = "How do I get good at programming?"
TYPED = "How can I get better at programming?"
SOON_S = 60.0


@pytest.fixture(scope="module")
def threads(misago: Misago) -> dict[str, Any]:
    made: dict[str, Any] = misago.step("make")
    misago.deliver()
    return made


@pytest.fixture(scope="module")
def writer(browser: Browser, misago: Misago) -> Iterator[Page]:
    """A page of somebody who is signed in to Misago and asks."""
    page = new_page(browser)
    page.context.add_cookies(
        [{"name": "sessionid", "value": misago.step("sign_in", "Writer"), "url": misago.url}]
    )
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def asked(misago: Misago, threads: dict[str, Any], writer: Page) -> str:
    """The writer sees the suggestion and posts anyway; the id of the thread."""
    wait_until(lambda: misago.stored(str(threads["b"])).get("state") == "done", timeout_s=SOON_S)
    writer.goto(misago.url + threads["path"])
    writer.get_by_role("button", name="Start thread").first.click()
    title = writer.get_by_placeholder("Thread title")
    suggestion = writer.locator(".askedbefore").get_by_role("link", name=STORED)

    def is_suggested() -> bool:
        title.fill("")
        title.press_sequentially(TYPED, delay=5)
        writer.wait_for_timeout(3_000)  # on a busy machine a check may go unanswered
        return suggestion.is_visible()

    wait_until(is_suggested, timeout_s=SOON_S)
    writer.screenshot(path=SHOTS / "misago-ask.png")
    writer.locator("#posting-mount textarea").fill(
        "I know some Python and would like to know more."
    )
    writer.locator("#posting-mount").get_by_role("button", name="Start thread").click()
    writer.wait_for_url(re.compile(r"/t/.*/\d+/"))
    misago.deliver()
    return str(misago.step("find", TYPED))


def duplicates(misago: Misago, key: str) -> dict[str, str]:
    found = misago.stored(key).get("duplicates", ())
    return {one["title"]: one["pair_id"] for one in found}


def test_threads_are_submitted_and_private_ones_never(
    misago: Misago, threads: dict[str, Any]
) -> None:
    key = str(threads["b"])
    wait_until(lambda: misago.stored(key)["state"] == "done", timeout_s=SOON_S)

    stored = misago.stored(key)
    assert stored["title"] == "How to become a good programmer?"
    assert stored["url"].startswith(f"{misago.url}/t/")
    assert (stored["author"], stored["visible"]) == ("Tester", True)
    assert [one["id"] for one in stored["duplicates"]] == [str(threads["a"])]
    assert misago.stored(str(threads["private"]))["status"] == 404


def test_the_moderators_decision_closes_the_thread_with_a_link_and_an_undo_opens_it(
    misago: Misago, threads: dict[str, Any], asked: str, writer: Page, moderator: Page
) -> None:
    wait_until(lambda: STORED in duplicates(misago, asked), timeout_s=SOON_S)
    pair = duplicates(misago, asked)[STORED]
    moderator.goto(f"{misago.up.url}/console/{FORUM}/review/{pair}?single=1")
    with moderator.expect_response(is_saved):
        moderator.keyboard.press("d")
    misago.deliver()
    writer.reload()
    reply = writer.get_by_text("This was asked before")
    expect(reply).to_contain_text(f"/{threads['a']}/")
    expect(writer.get_by_text("Thread has been closed").first).to_be_visible()
    writer.screenshot(path=SHOTS / "misago-closed.png")
    shut = misago.step("show", asked)
    with moderator.expect_response(is_saved):
        moderator.keyboard.press("u")
    misago.deliver()
    opened = misago.step("show", asked)
    writer.reload()

    assert (shut["closed"], shut["replies"]) == (True, 1)
    assert (opened["closed"], opened["replies"], len(opened["posts"])) == (False, 0, 1)
    expect(writer.get_by_text("This was asked before")).to_have_count(0)


def test_edits_hiding_and_deletion_reach_the_service(
    misago: Misago, threads: dict[str, Any]
) -> None:
    key = str(threads["b"])
    misago.step("edit", key)
    misago.step("hide", key)
    misago.deliver()
    hidden = misago.stored(key)
    misago.step("delete", key)
    misago.deliver()

    assert (hidden["body"], hidden["visible"]) == ("Another text than before.", False)
    assert misago.stored(key)["status"] == 404


def test_a_closed_category_is_read_on_and_one_that_visitors_may_not_read_is_hidden(
    misago: Misago, threads: dict[str, Any], asked: str
) -> None:
    key = str(threads["a"])
    misago.step("shut_category", key)
    misago.step("edit", key)
    misago.deliver()
    closed = misago.stored(key)["visible"]
    misago.step("take_from_visitors", key)
    misago.deliver()

    assert closed is True
    assert [misago.stored(one)["visible"] for one in (key, asked)] == [False, False]
    assert json.dumps(misago.stored(key)["duplicates"]) == "[]"
