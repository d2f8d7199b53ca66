"""Moderators at work in a real browser."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from db import groups, webhooks
from db.people import Role, create_sign_in_link
from db.rows import PairStatus
from db.tables.pairs import Pair
from db.tables.review import Claim, Decision, Person, SignIn
from tests.browser import chromium, serve, sign_in
from tests.integration.api_service import NotingQueue, make_settings
from tests.review import PASSWORD, Seeded, flag, make_person, say, seed_questions

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Factory = sessionmaker[Session]
Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def address(committed: Factory) -> Iterator[str]:
    with serve(create_app(make_settings(), committed, NotingQueue())) as url:
        yield url
    with committed.begin() as session:
        session.query(Person).delete()


@pytest.fixture
def seeded(committed: Factory) -> Seeded:
    """Twelve pairs of twenty-four questions, the surest first, and two moderators."""
    with committed.begin() as session:
        titles = [f"How do I boil {what} egg {n}?" for n in range(12) for what in ("an", "one")]
        made = seed_questions(session, *titles, body="I have tried it twice.\n\nNothing helps.")
        for n in range(12):
            flag(session, made, 2 * n, 2 * n + 1, score=0.99 - n / 50)
        make_person(session, made.forum, "Ana", Role.ADMIN)
        make_person(session, made.forum, "Ben Okri")
    return made


@pytest.fixture
def opened(browser: Browser, address: str, seeded: Seeded) -> Iterator[Open]:
    """Open a browser of its own for a person, signed in."""
    contexts = []

    def start(name: str) -> Page:
        context = browser.new_context()
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: pytest.fail(f"the page's script failed: {error}"))
        sign_in(page, address, name, PASSWORD)
        return page

    assert seeded
    yield start
    for context in contexts:
        context.close()


def statuses(sessions: Factory) -> list[str]:
    with sessions.begin() as session:
        found = session.execute(select(Pair.status).order_by(Pair.score.desc(), Pair.id.desc()))
        return list(found.scalars())


def shown(page: Page) -> str:
    return page.locator(".stage").get_attribute("data-pair") or ""


def press(page: Page, key: str) -> None:
    """Press a key and wait until another pair is on stage and the last decision is saved."""
    before = shown(page)
    page.keyboard.press(key)
    page.wait_for_function(
        "before => document.querySelector('.stage')?.dataset.pair !== before", arg=before
    )
    page.wait_for_load_state("networkidle")


def test_ten_pairs_are_decided_on_the_keyboard_and_one_is_undone(
    opened: Open, committed: Factory
) -> None:
    page = opened("Ana")
    page.wait_for_load_state("load")
    keys = ["d", "D", "n", "r", "d", "n", "s", "d", "n", "d"]

    for key in keys:
        press(page, key)
    page.keyboard.press("u")
    expect(page.locator("#said")).to_contain_text("Undone")

    page.wait_for_function("() => document.querySelector('#done').textContent === '8'")
    word = {
        "d": "duplicate",
        "D": "duplicate",
        "n": "not_duplicate",
        "r": "related",
        "s": "flagged",
    }
    wanted = [word[key] for key in keys[:-1]] + ["flagged"] * 3
    assert statuses(committed) == wanted
    with committed.begin() as session:
        pairs = session.execute(select(Pair).order_by(Pair.score.desc())).scalars().all()
        assert pairs[0].canonical_id == pairs[0].low_id
        assert pairs[1].canonical_id == pairs[1].high_id


def test_keys_are_ignored_in_fields_and_with_modifiers(opened: Open, committed: Factory) -> None:
    page = opened("Ana")
    before = shown(page)

    page.get_by_label("Note").fill("")
    page.get_by_label("Note").press_sequentially("dnrs")
    page.get_by_label("Note").press("Enter")
    page.keyboard.press("Control+d")
    page.keyboard.press("Alt+n")
    page.keyboard.press("Meta+r")
    page.evaluate(
        "() => document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'd', bubbles: true, repeat: true}))"
    )
    page.wait_for_timeout(300)

    assert shown(page) == before
    assert set(statuses(committed)) == {"flagged"}
    page.keyboard.press("n")
    page.wait_for_load_state("networkidle")
    with committed.begin() as session:
        assert session.execute(select(Decision.note)).scalar_one() == "dnrs"


def test_every_action_is_a_button_too(opened: Open, committed: Factory) -> None:
    page = opened("Ana")

    page.get_by_role("button", name="Not the same").click()
    expect(page.locator("#toasts")).to_contain_text("Not the same")
    page.locator("#toasts button").click()
    expect(page.locator("#said")).to_contain_text("Undone")

    assert set(statuses(committed)) == {"flagged"}
    page.get_by_role("button", name="Help").click()
    expect(page.get_by_role("dialog")).to_contain_text("Not the same")


def test_a_colleague_sees_the_claim_and_then_the_decision(opened: Open) -> None:
    ana = opened("Ana")
    ana.wait_for_load_state("load")
    first = shown(ana)
    expect(ana.locator(f"a[data-pair='{first}']")).to_have_attribute("aria-current", "true")
    ana.wait_for_timeout(300)  # the claim follows the page

    ben = opened("Ben Okri")

    assert shown(ben) != first  # stepped over
    link = ben.locator(f"a[data-pair='{first}']")
    expect(link).to_contain_text("A")
    press(ana, "n")
    expect(link).to_have_class(re.compile("done"))


def test_a_decision_on_what_changed_meanwhile_is_refused_and_shown(
    opened: Open, committed: Factory, address: str
) -> None:
    ana, ben = opened("Ana"), opened("Ben Okri")
    pair = shown(ana)
    ben.goto(f"{address}/console/cooks/review/{pair}")
    ben.route("**/live", lambda route: route.abort())  # news must not come first
    ben.reload()
    press(ana, "n")

    ben.keyboard.press("d")

    expect(ben.locator(".notice.bad")).to_contain_text("Not saved")
    expect(ben.locator(".notice.bad")).to_contain_text("not duplicate by Ana")
    assert shown(ben) == pair
    assert statuses(committed)[0] == "not_duplicate"


def test_a_bridge_warns_before_it_joins_two_groups(
    opened: Open, committed: Factory, seeded: Seeded, address: str
) -> None:
    with committed.begin() as session:
        ids = session.execute(select(Pair.id).order_by(Pair.id)).scalars().all()
        say(session, seeded, ids[0])
        say(session, seeded, ids[1])
        bridge = flag(session, seeded, 1, 2, score=0.8)
    page = opened("Ana")
    page.goto(f"{address}/console/cooks/review/{bridge}")
    expect(page.locator(".notice.warn")).to_contain_text("joins two groups, of 2 and 2 questions")

    page.keyboard.press("d")
    page.get_by_role("button", name="Cancel").click()
    assert shown(page) == str(bridge)
    page.keyboard.press("d")
    page.get_by_role("button", name="Join them").click()
    expect(page.locator("#toasts")).to_contain_text("Duplicate")
    page.wait_for_load_state("networkidle")

    with committed.begin() as session:
        sizes = [row.size for row in groups.list_groups(session, seeded.forum.id)]
    assert sizes == [4]


def test_claims_expire(opened: Open, committed: Factory) -> None:
    ana = opened("Ana")
    ana.wait_for_timeout(400)
    first = shown(ana)
    with committed.begin() as session:
        session.execute(update(Claim).values(expires_at=Claim.expires_at - timedelta(hours=1)))

    ben = opened("Ben Okri")

    assert shown(ben) == first


def test_an_expired_session_asks_to_sign_in_and_comes_back(
    opened: Open, committed: Factory, address: str
) -> None:
    page = opened("Ana")
    with committed.begin() as session:
        session.execute(update(SignIn).values(expires_at=SignIn.created_at - timedelta(hours=1)))

    page.goto(f"{address}/console/cooks/review?sort=oldest")

    expect(page).to_have_url(re.compile("/console/sign-in"))
    page.get_by_label("Name").fill("Ana")
    page.get_by_label("Password or personal key").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/console/cooks/review"))


def test_a_link_signs_in_once(
    browser: Browser, address: str, seeded: Seeded, committed: Factory
) -> None:
    with committed.begin() as session:
        ana = session.execute(select(Person.id).where(Person.name == "Ana")).scalar_one()
        link = create_sign_in_link(session, ana, address)
    assert seeded
    context = browser.new_context()
    page = context.new_page()

    page.goto(link)
    page.reload()
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/review")
    page.context.clear_cookies()
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()

    expect(page.locator("body")).to_contain_text("used already")
    context.close()


HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "\u202egnp.exe \u200b\u200d\u2066 How do I {{ 7 * 7 }} \U0001f468\u200d\U0001f469",
    "x" * 500,
    "مرحبا كيف أسلق بيضة؟ 'onmouseover=alert(1) \" > </h2>",
)


def test_hostile_text_is_shown_as_text(
    opened: Open, committed: Factory, seeded: Seeded, address: str
) -> None:
    with committed.begin() as session:
        made = seed_questions(session, *HOSTILE, forum="hostile", body="<b>" + "y" * 20_000)
        pairs = [flag(session, made, 0, n) for n in range(1, 4)]
        make_person(session, made.forum, "Ana", Role.ADMIN)
    page = opened("Ana")

    for pair in pairs:
        page.goto(f"{address}/console/hostile/review/{pair}")
        texts = page.locator(".card h2").all_text_contents()
        assert set(texts) <= set(HOSTILE)
        assert page.locator(".card script, .card img, .card b").count() == 0
        assert "owned" not in page.title()
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 800})
            page.locator(".fold summary").first.click()
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
    assert seeded


PAGES = (
    "review",
    "review?category=none",
    "groups",
    "groups/{group}",
    "bulk?min=0.5",
    "thresholds",
    "insight",
    "archives",
    "history",
    "settings",
)


@pytest.fixture
def decided(committed: Factory, seeded: Seeded) -> int:
    """A group of three and a link to another question that is still to be reviewed; its id."""
    with committed.begin() as session:
        first = session.execute(select(Pair.id).order_by(Pair.id).limit(1)).scalar_one()
        done = say(session, seeded, first, PairStatus.DUPLICATE)
        say(session, seeded, flag(session, seeded, 1, 4, score=0.7))
        flag(session, seeded, 0, 4, score=0.6)
        hook = "https://forum.example/hook"
        webhooks.create(session, seeded.forum.id, url=hook, kinds=["pair.decided"])
    assert done.group_id is not None
    return done.group_id


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(opened: Open, address: str, decided: int, scheme: str) -> None:
    page = opened("Ana")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    axe, reports = Axe(), []

    for path in PAGES:
        page.goto(f"{address}/console/cooks/{path.format(group=decided)}")
        page.wait_for_timeout(200)
        found = axe.run(page, options={"runOnly": {"type": "tag", "values": tags}})
        if found.violations_count:
            reports.append(f"{path}: {found.generate_report()}")

    assert reports == []


@pytest.mark.parametrize("path", ["sign-in", "sign-in/token"])
def test_the_door_is_accessible(browser: Browser, address: str, path: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/console/{path}")

    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()
    page.close()


def test_no_page_is_wider_than_its_window(opened: Open, address: str, decided: int) -> None:
    page = opened("Ana")
    wide = []

    for path in PAGES:
        page.goto(f"{address}/console/cooks/{path.format(group=decided)}")
        # 720 is what a window of 1440 has left at 200 % zoom.
        for width in (1440, 1024, 720, 390):
            page.set_viewport_size({"width": width, "height": 800})
            found = page.evaluate("document.documentElement.scrollWidth")
            if found > width:
                wide.append(f"{path} at {width}: {found}")

    assert wide == []


def test_a_bulk_decision_and_its_undo(opened: Open, committed: Factory, address: str) -> None:
    page = opened("Ana")
    page.goto(f"{address}/console/cooks/bulk?min=0.9")
    expect(page.get_by_role("heading", level=1)).to_contain_text("One decision for 5 pairs")

    page.get_by_role("button", name="not the same").click()
    expect(page.locator(".notice")).to_contain_text("5 pairs: not the same")
    assert statuses(committed).count("not_duplicate") == 5
    page.get_by_role("button", name="Undo all").first.click()

    expect(page.locator(".notice")).to_contain_text("5 decisions taken back")
    assert set(statuses(committed)) == {"flagged"}


def test_the_threshold_is_dragged_and_saved(opened: Open, committed: Factory, address: str) -> None:
    page = opened("Ana")
    page.goto(f"{address}/console/cooks/thresholds")
    chart = page.locator(".precision").bounding_box()
    assert chart is not None

    page.mouse.move(chart["x"] + chart["width"] * 0.5, chart["y"] + 40)
    page.mouse.down()
    page.mouse.move(chart["x"] + chart["width"] * (60 + 920 * 0.9) / 1000, chart["y"] + 60)
    page.mouse.up()
    expect(page.locator("#chosen-value")).to_have_text("0.90")
    expect(page.locator("#expect-words")).to_contain_text("would hide 7")
    page.get_by_role("button", name="Use this threshold").click()

    expect(page.locator(".notice")).to_contain_text("Saved")
    assert statuses(committed).count("flagged") == 5
    assert statuses(committed).count("withdrawn") == 7


def test_groups_are_joined_by_hand_after_a_warning(
    opened: Open, committed: Factory, seeded: Seeded, address: str
) -> None:
    with committed.begin() as session:
        ids = session.execute(select(Pair.id).order_by(Pair.id)).scalars().all()
        for pair in ids[:2]:
            say(session, seeded, pair)
    page = opened("Ana")
    page.goto(f"{address}/console/cooks/groups")
    page.locator("tbody a").first.click()

    page.get_by_role("button", name="Look at both").click()
    expect(page.locator(".notice.warn")).to_contain_text("will hold all 4 questions together")
    page.get_by_role("button", name="Join them").click()

    expect(page.locator(".notice")).to_contain_text("joined")
    with committed.begin() as session:
        assert [row.size for row in groups.list_groups(session, seeded.forum.id)] == [4]


def test_an_empty_queue_is_a_good_state(opened: Open, committed: Factory) -> None:
    with committed.begin() as session:
        session.execute(update(Pair).values(status=PairStatus.RELATED))

    page = opened("Ana")

    expect(page.get_by_role("heading", name="Nothing to review")).to_be_visible()


def test_the_page_does_not_jump_when_the_next_pair_comes(opened: Open) -> None:
    page = opened("Ana")
    page.evaluate(
        "() => { window.shift = 0; new PerformanceObserver((list) => {"
        " for (const one of list.getEntries()) window.shift += one.value;"
        "}).observe({type: 'layout-shift', buffered: true}); }"
    )

    for _ in range(3):
        press(page, "n")
        page.wait_for_timeout(100)

    assert page.evaluate("window.shift") < 0.02


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(opened: Open, address: str) -> None:
    page = opened("Ana")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    answer = page.goto(f"{address}/console/cooks/review")

    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert requests
    assert all(url.startswith(address) for url in requests)
    assert page.locator("[style], script:not([src]), style").count() == 0
