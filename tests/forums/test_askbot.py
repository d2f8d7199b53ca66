"""From the title that is typed to the closed question and back, in a real Askbot."""

import re
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from cli.running.service import wait_until
from integrations.demo.service import FORUM
from tests.acceptance.console.desk import is_saved
from tests.forums.conftest import SHOTS, Place, new_page

pytestmark = [
    pytest.mark.forums,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STORED = "Is it possible to gain muscle without weights, just using your own body?"
ANSWERED = "How can I gain muscle without weights, with nothing but my own body?"
TYPED = "Can I gain muscle without weights, using only my own body?"
SOON_S = 60.0


ANSWER = """
import django; django.setup()
from askbot.models import User
admin = User.objects.get(username="admin")
text = "I want to train at home."
question = admin.post_question(title="{title}", body_text=text, tags="fitness")
admin.post_answer(question=question, body_text="Push-ups, squats and planks, three times a week.")
"""
"""Run by Askbot's own Python: a question with an answer."""


def ask(page: Page, place: Place, title: str) -> str:
    """Post a question in the browser and return its address."""
    if "/questions/ask" not in page.url:
        page.goto(f"{place.forum.url}/questions/ask/")
    page.locator("#id_title").fill(title)
    page.locator("textarea[name=text]").fill("I train at home and own no equipment at all.")
    page.locator("#id_tags").fill("fitness")
    page.locator("input[name=post]").click()
    page.wait_for_url(re.compile(r"/question/\d+/"))
    return page.url.split("#")[0].split("?")[0]


def stored(place: Place, question_id: str) -> dict[str, Any]:
    """Return a question as the service has it; a problem while it does not know it."""
    answer = httpx2.get(
        f"{place.up.url}/v1/forums/{FORUM}/questions/{question_id}",
        headers={"Authorization": f"Bearer {place.forum.key}"},
        timeout=30,
    )
    found: dict[str, Any] = answer.json()
    return found


def duplicates(place: Place, question_id: str) -> dict[str, str]:
    """Return the titles that were flagged for a question, each with the id of the pair."""
    found = stored(place, question_id).get("duplicates", ())
    return {one["title"]: one["pair_id"] for one in found}


def id_of(url: str) -> str:
    found = re.search(r"/question/(\d+)/", url)
    assert found is not None
    return found[1]


def is_closed(page: Page, url: str) -> bool:
    page.goto(url)
    return page.locator(".question-status").count() > 0


def decide(moderator: Page, place: Place, url: str, key: str) -> None:
    """Go to the pair of this question and the stored one in the console, and press a key."""
    pair_id = duplicates(place, id_of(url))[STORED]
    moderator.goto(f"{place.up.url}/console/{FORUM}/review/{pair_id}?single=1")
    expect(moderator.get_by_role("heading", name=STORED)).to_be_visible()
    with moderator.expect_response(is_saved):
        moderator.keyboard.press(key)


@pytest.fixture(scope="module")
def asked(asker: Page, place: Place) -> str:
    """The asker sees the suggestion and posts anyway; the address of the question."""
    place.forum.python("-c", ANSWER.format(title=ANSWERED))
    asker.goto(f"{place.forum.url}/questions/ask/")
    title = asker.locator("#id_title")
    items = asker.locator(".askedbefore li")
    suggestion = asker.get_by_role("link", name=STORED)

    def is_suggested() -> bool:
        title.fill("")
        title.press_sequentially(TYPED, delay=5)
        asker.wait_for_timeout(3_000)  # on a busy machine a check may go unanswered
        return items.count() > 1 and "answered" in items.first.inner_text()

    wait_until(is_suggested, timeout_s=SOON_S)
    expect(items.first.get_by_role("link")).to_have_text(ANSWERED)
    expect(suggestion).to_have_attribute("href", re.compile(r"/question/\d+/"))
    asker.screenshot(path=SHOTS / "askbot-ask.png")
    return ask(asker, place, TYPED)


def test_the_pair_is_flagged(asked: str, place: Place) -> None:
    wait_until(lambda: STORED in duplicates(place, id_of(asked)), timeout_s=SOON_S)


def test_the_moderators_decision_closes_the_question_with_a_link(
    asked: str, place: Place, asker: Page, moderator: Page
) -> None:
    decide(moderator, place, asked, "d")

    wait_until(lambda: is_closed(asker, asked), timeout_s=SOON_S, pause_s=1)
    comment = asker.get_by_text("This was asked before")
    expect(comment).to_contain_text(STORED)
    link = comment.locator("a[href*='/question/']")
    expect(comment.locator("a[href*='/askedbefore/objection/']")).to_be_visible()
    expect(asker.locator(".question-status")).to_contain_text("duplicate of http")
    asker.screenshot(path=SHOTS / "askbot-closed.png")
    link.click()
    expect(asker.locator("h1").first).to_contain_text(STORED)


def test_the_asker_alone_comes_to_the_page_for_objections(
    asked: str, place: Place, asker: Page, browser: Browser
) -> None:
    asker.goto(asked)
    link = asker.locator("a[href*='/askedbefore/objection/']")
    where = link.get_attribute("href")
    assert where is not None
    link.click()
    asker.wait_for_url(f"{place.up.url}/objections/*")
    expect(asker.get_by_text(TYPED)).to_be_visible()
    stranger = new_page(browser)
    stranger.goto(where)

    assert stranger.url.startswith(f"{place.forum.url}/account/signin/?next=%2Faskedbefore%2F")
    stranger.context.close()


def test_an_undo_opens_it_again(asked: str, place: Place, asker: Page, moderator: Page) -> None:
    with moderator.expect_response(is_saved):
        moderator.keyboard.press("u")

    wait_until(lambda: not is_closed(asker, asked), timeout_s=SOON_S, pause_s=1)
    expect(asker.get_by_text("This was asked before")).to_have_count(0)
    assert place.up.url


def test_nothing_is_lost_while_the_service_and_the_delivery_are_killed(
    asked: str, place: Place, asker: Page, moderator: Page
) -> None:
    place.up.kill()
    second = ask(asker, place, f"{TYPED} Thanks.")
    place.forum.kill("deliver")
    third = ask(asker, place, "What would a zanzibar quokka ask in a forum?")
    place.up.start()
    place.forum.start("deliver", "askedbefore_deliver", "--interval", "1")

    wait_until(lambda: STORED in duplicates(place, id_of(second)), timeout_s=2 * SOON_S)
    wait_until(lambda: stored(place, id_of(third)).get("state") == "done", timeout_s=SOON_S)
    assert asked != second
    place.forum.kill("deliver")
    decide(moderator, place, second, "d")
    place.up.kill()
    place.up.start()
    place.forum.start("deliver", "askedbefore_deliver", "--interval", "1")
    wait_until(lambda: is_closed(asker, second), timeout_s=SOON_S, pause_s=1)


def test_a_deleted_question_is_hidden_and_a_restored_one_is_seen_again(
    asked: str, place: Place
) -> None:
    def visible() -> bool:
        return bool(stored(place, id_of(asked))["visible"])

    script = (
        "import django; django.setup()\n"
        "from askbot.models import Post, User\n"
        "post = Post.objects.get(pk={key}); admin = User.objects.get(username='admin')\n"
        "admin.{what}_post(post=post)\n"
    )
    place.forum.python("-c", script.format(key=id_of(asked), what="delete"))
    wait_until(lambda: not visible(), timeout_s=SOON_S)
    place.forum.python("-c", script.format(key=id_of(asked), what="restore"))
    wait_until(visible, timeout_s=SOON_S)
