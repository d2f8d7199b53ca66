"""Moderators at work in a real browser."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Route, expect
from sqlalchemy import select, update

from cli.running.service import wait_until
from db.groups import groups
from db.tables.pairs import Pair
from db.tables.review import Claim, Decision, Person, SignIn
from db.tenants.people import create_sign_in_link
from tests.acceptance.console.conftest import Factory, Open
from tests.acceptance.console.desk import press, shown, statuses, wait_for_claim
from tests.rows.review import PASSWORD, Seeded, flag, say
from tests.servers.browser import settle

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


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
    wait_for_claim(committed, before)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))

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
    settle(page)

    assert shown(page) == before
    assert sent == []
    assert set(statuses(committed)) == {"flagged"}
    press(page, "n")
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


def test_a_colleague_sees_the_claim_and_then_the_decision(opened: Open, committed: Factory) -> None:
    ana = opened("Ana")
    ana.wait_for_load_state("load")
    first = shown(ana)
    expect(ana.locator(f"a[data-pair='{first}']")).to_have_attribute("aria-current", "true")
    wait_for_claim(committed, first)

    ben = opened("Ben Okri")

    assert shown(ben) != first  # stepped over
    link = ben.locator(f"a[data-pair='{first}']")
    expect(link).to_contain_text("A")
    press(ana, "n")
    expect(link).to_have_class(re.compile("done"))


def test_a_page_is_told_what_happened_before_its_stream_was_open(opened: Open) -> None:
    ana, ben = opened("Ana"), opened("Ben Okri")
    first = shown(ana)
    held: list[Route] = []
    ben.route("**/live?*", lambda route: held.append(route))  # noqa: PLW0108  # as for errors
    ben.reload()
    press(ana, "n")
    wait_until(lambda: bool(held), timeout_s=60)

    held[0].continue_()

    expect(ben.locator(f"a[data-pair='{first}']")).to_have_class(re.compile("done"))


def test_a_stream_that_was_refused_is_opened_again(opened: Open) -> None:
    ana, ben = opened("Ana"), opened("Ben Okri")
    first = shown(ana)
    ben.clock.install()
    ben.route("**/live?*", lambda route: route.fulfill(status=503), times=1)
    with ben.expect_response("**/live?*"):
        ben.reload()
    press(ana, "n")

    ben.clock.run_for(6_000)

    expect(ben.locator(f"a[data-pair='{first}']")).to_have_class(re.compile("done"))


def test_a_decision_on_what_changed_meanwhile_is_refused_and_shown(
    opened: Open, committed: Factory, address: str
) -> None:
    ana, ben = opened("Ana"), opened("Ben Okri")
    pair = shown(ana)
    ben.goto(f"{address}/console/cooks/review/{pair}")
    ben.route("**/live?*", lambda route: route.abort())  # news must not come first
    ben.reload()
    press(ana, "n")

    ben.keyboard.press("d")

    expect(ben.locator(".notice.bad")).to_contain_text("Not saved")
    expect(ben.locator(".notice.bad")).to_contain_text("not the same by Ana")
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
    expect(page.locator(".notice.warn")).to_contain_text(
        "two groups of 2 and 2 questions become one"
    )

    page.keyboard.press("d")
    page.get_by_role("button", name="Cancel").click()
    assert shown(page) == str(bridge)
    page.keyboard.press("d")
    page.get_by_role("button", name="Join them").click()
    expect(page.locator("#toasts")).to_contain_text("Duplicate")
    wait_until(lambda: statuses(committed).count("duplicate") == 3, timeout_s=60)

    with committed.begin() as session:
        sizes = [row.size for row in groups.list_groups(session, seeded.forum.id)]
    assert sizes == [4]


def test_claims_expire(opened: Open, committed: Factory) -> None:
    ana = opened("Ana")
    first = shown(ana)
    wait_for_claim(committed, first)
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
    assert seeded.questions
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
