"""The ask box on a page of a forum that is another site, in a real Chromium."""

import threading
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.app import create_app
from db.tables.outcomes import SuggestionOutcome
from db.tables.questions import Question
from db.tenants import forums, keys
from tests.rows.factories import save_questions
from tests.servers.api_service import NotingQueue, make_settings
from tests.servers.browser import PATIENCE_MS, chromium
from tests.servers.live_server import serving
from worker.queue import CheckAnswer, CheckedDuplicate, CheckRequest

Factory = sessionmaker[Session]
TITLES = ("Boiling eggs?", "How long do eggs boil?", "Egg, boiled: how?", "Soft eggs?")
ANSWERS = (None, 0, 3, None)
ACCEPTED = (None, None, None, True)
PAGE = """<!doctype html><html lang="en"><title>Ask</title><main><h1>Ask</h1>
<form method="post" action="/ask"><label>Title <input name="title" id="title"></label>
<button>Post</button></form></main>
<script async src="{service}/widget.js" data-forum="cooks" data-key="{key}" data-wait="20"></script>
"""
TYPE = """(input, text) => {
  for (let end = 1; end <= text.length; end += 1) {
    input.value = text.slice(0, end);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}"""
Check = Callable[[CheckRequest], None]


class Suggesting(NotingQueue):
    """Suggests the same four questions; *before* runs before each answer."""

    before: Check | None = None

    def check(self, request: CheckRequest, *, timeout_s: float) -> CheckAnswer:
        if self.before is not None:
            self.before(request)
        self.asked.append(request)
        self.timeout_s = timeout_s
        found = [
            CheckedDuplicate(
                id=str(place),
                title=title,
                url=f"https://forum.example/{place}",
                score=1 - place / 10,
                cosine=None,
                kind="model",
                answers=ANSWERS[place - 1],
                accepted=ACCEPTED[place - 1],
            )
            for place, title in enumerate(TITLES, start=1)
        ]
        return CheckAnswer(
            duplicates=[] if "bread" in request.title else found,
            threshold=0.5,
            bi_encoder="b",
            reranker="r",
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


class Site:
    """The forum's own server, and the service beside it."""

    queue: Suggesting
    forum: str
    service: str
    key: str

    def __init__(self) -> None:
        self.posted: list[dict[str, str]] = []

    async def show(self, _request: Request) -> Response:
        service = self.service
        policy = f"default-src 'none'; script-src {service}; connect-src {service}; form-action *"
        return HTMLResponse(
            PAGE.format(service=service, key=self.key), headers={"Content-Security-Policy": policy}
        )

    async def take(self, request: Request) -> Response:
        self.posted.append({name: str(value) for name, value in (await request.form()).items()})
        return PlainTextResponse("thank you")


@pytest.fixture
def site(committed: Factory) -> Iterator[Site]:
    found = Site()
    found.queue = Suggesting()
    routes = [
        Route("/ask", found.show, methods=["GET"]),
        Route("/ask", found.take, methods=["POST"]),
    ]
    with (
        serving(create_app(make_settings(), committed, found.queue)) as found.service,
        serving(Starlette(routes=routes)) as found.forum,
    ):
        with committed.begin() as session:
            forum = forums.ensure_forum(session, "cooks")
            save_questions(session, forum, *TITLES)
            found.key = keys.create_key(
                session, name="p", forum_ids=[forum.id], scopes=["ask"], origins=[found.forum]
            )
        yield found


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "console",
        lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None,
    )
    opened.goto(f"{site.forum}/ask")
    opened.wait_for_selector("#title[data-askedbefore]")
    yield opened
    context.close()
    assert problems == []


def told(committed: Factory) -> list[tuple[str, str | None]]:
    with committed.begin() as session:
        found = session.execute(
            select(SuggestionOutcome.outcome, Question.external_id)
            .outerjoin(Question, Question.id == SuggestionOutcome.candidate_id)
            .order_by(SuggestionOutcome.id)
        )
        return sorted((row.outcome, row.external_id or "") for row in found)


def test_three_earlier_questions_are_shown_answered_ones_first_and_the_rest_is_told(
    page: Page, site: Site, committed: Factory
) -> None:
    page.get_by_label("Title").evaluate(TYPE, "How do I boil an egg?")
    items = page.get_by_role("listitem")
    expect(items).to_have_count(3)

    assert [text.split("\n")[0][:14] for text in items.all_inner_texts()] == [
        "Soft eggs?",
        "Egg, boiled: h",
        "Boiling eggs?",
    ]
    expect(page.get_by_role("status")).to_contain_text("3 questions were asked before")
    assert len(site.queue.asked) == 1, "it asks when somebody pauses, not at each letter"
    page.get_by_role("button", name="Mine is different: Soft eggs?").click()
    expect(page.get_by_role("status")).to_contain_text("yours is different")
    page.get_by_role("button", name="This answers me: Boiling eggs?").click()
    page.get_by_role("button", name="Post").click()
    page.wait_for_url("**/ask")
    expect(page.locator("body")).to_contain_text("thank you")

    (form,) = site.posted
    assert form["title"] == "How do I boil an egg?"
    assert form["askedbefore_check"]
    page.wait_for_timeout(300)
    assert told(committed) == sorted(
        [
            ("shown", "1"),
            ("shown", "3"),
            ("shown", "4"),
            ("different", "4"),
            ("answered", "1"),
            ("posted", ""),
        ]
    )


def test_the_keyboard_reaches_them_and_leaves_them(page: Page) -> None:
    title = page.get_by_label("Title")
    title.fill("How do I boil an egg?")
    expect(page.get_by_role("listitem")).to_have_count(3)

    title.press("ArrowDown")
    expect(page.get_by_role("link", name="Soft eggs?")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="This answers me: Soft eggs?")).to_be_focused()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    page.keyboard.press("Escape")

    expect(title).to_be_focused()
    expect(page.get_by_role("listitem")).to_have_count(0)


def test_an_answer_to_an_older_text_is_never_shown(page: Page, site: Site) -> None:
    go, taken = threading.Event(), threading.Event()

    def hold(request: CheckRequest) -> None:
        if "egg" in request.title:
            taken.set()
            assert go.wait(10)

    site.queue.before = hold
    title = page.get_by_label("Title")
    title.fill("How do I boil an egg?")
    assert taken.wait(10)
    with page.expect_response("**/check"):
        title.fill("How do I bake bread?")
    go.set()
    page.wait_for_timeout(200)

    expect(page.get_by_role("listitem")).to_have_count(0)


def test_a_title_of_emoji_or_from_right_to_left_is_asked_as_it_was_typed(
    page: Page, site: Site
) -> None:
    eggs = "\N{EGG}" * 2_100
    hebrew = "\u05d0\u05d9\u05da \u05de\u05d1\u05e9\u05dc\u05d9\u05dd \u05d1\u05d9\u05e6\u05d4?"
    title = page.get_by_label("Title")
    for text in (eggs, hebrew):
        with page.expect_response("**/check") as answered:
            title.fill(text)
        assert answered.value.status == 200
    expect(page.get_by_role("listitem")).to_have_count(3)

    assert [request.title for request in site.queue.asked] == ["\N{EGG}" * 2_000, hebrew]
    assert {link.get_attribute("dir") for link in page.get_by_role("link").all()} == {"auto"}


def test_a_form_that_is_opened_later_has_the_box_each_time(page: Page) -> None:
    for _ in range(2):
        page.evaluate(
            """() => {
              document.querySelector("form").remove();
              setTimeout(() => document.querySelector("main").insertAdjacentHTML("beforeend",
                "<form><label>Title <input name=title id=title></label></form>"), 50);
            }"""
        )
        page.wait_for_selector("#title[data-askedbefore]")
        page.get_by_label("Title").fill("How do I boil an egg?")
        expect(page.get_by_role("listitem")).to_have_count(3)


@pytest.mark.parametrize("fault", ["away", "forbidden", "no scripts"])
def test_whatever_is_broken_the_form_posts(browser: Browser, site: Site, fault: str) -> None:
    if fault == "forbidden":
        site.key = "abq_nobody"
    context = browser.new_context(java_script_enabled=fault != "no scripts")
    page = context.new_page()
    if fault == "away":
        page.route(f"{site.service}/**", lambda route: route.abort())
    page.goto(f"{site.forum}/ask")
    page.get_by_label("Title").fill("How do I boil an egg?")
    page.get_by_role("button", name="Post").click()
    expect(page.locator("body")).to_contain_text("thank you")
    context.close()

    assert [form["title"] for form in site.posted] == ["How do I boil an egg?"]
