"""Every page of the console: its accessibility, its width, its safety, and what it does."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from sqlalchemy import func, select, update

from db.groups import groups
from db.rows import PairStatus
from db.tables.pairs import Pair
from db.tenants.people import Role
from tests.acceptance.console.conftest import Factory, Open
from tests.acceptance.console.desk import is_saved, press, shown, statuses
from tests.rows.review import Seeded, flag, make_person, say, seed_questions
from tests.servers.browser import settle

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


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
    assert seeded.questions


PAGES = (
    "review",
    "review?category=none",
    "groups",
    "groups/{group}",
    "bulk?min=0.5",
    "faq",
    "actions",
    "thresholds",
    "insight",
    "archives",
    "history",
    "settings",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(opened: Open, address: str, decided: int, scheme: str) -> None:
    page = opened("Ana")
    page.emulate_media(
        color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
    )  # axe must not measure a colour during its transition
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    axe, reports = Axe(), []

    for path in PAGES:
        page.goto(f"{address}/console/cooks/{path.format(group=decided)}")
        settle(page)
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

    expect(page.locator(".notice")).to_contain_text("5 decisions undone")
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

    page.get_by_role("button", name="Compare both").click()
    expect(page.locator(".notice.warn")).to_contain_text("will connect all 4 questions")
    page.get_by_role("button", name="Join them").click()

    expect(page.locator(".notice")).to_contain_text("joined")
    with committed.begin() as session:
        assert [row.size for row in groups.list_groups(session, seeded.forum.id)] == [4]


def test_an_empty_queue_is_a_good_state(opened: Open, committed: Factory) -> None:
    with committed.begin() as session:
        session.execute(update(Pair).values(status=PairStatus.RELATED))

    page = opened("Ana")

    expect(page.get_by_role("heading", name="Nothing to review")).to_be_visible()


def test_the_last_decision_of_a_queue_is_undone_on_the_empty_page(
    opened: Open, committed: Factory
) -> None:
    with committed.begin() as session:
        last = session.execute(select(func.min(Pair.id))).scalar_one()
        session.execute(update(Pair).where(Pair.id != last).values(status=PairStatus.RELATED))
    page = opened("Ana")
    with page.expect_response(is_saved):
        page.keyboard.press("d")
    expect(page.get_by_role("heading", name="Nothing to review")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()

    with page.expect_response(is_saved):
        page.keyboard.press("u")

    expect(page.locator("#said")).to_contain_text("Undone")
    assert shown(page) == str(last)
    with committed.begin() as session:
        assert session.get_one(Pair, last).status == PairStatus.FLAGGED


def test_the_page_does_not_jump_when_the_next_pair_comes(opened: Open) -> None:
    page = opened("Ana")
    page.evaluate(
        "() => { window.shift = 0; new PerformanceObserver((list) => {"
        " for (const one of list.getEntries()) window.shift += one.value;"
        "}).observe({type: 'layout-shift', buffered: true}); }"
    )

    for _ in range(3):
        press(page, "n")
        settle(page)

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
