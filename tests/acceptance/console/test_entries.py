"""Several questions decided at once, and second opinions, in a real browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from sqlalchemy import insert, select

from db.groups import groups
from db.rows import PairStatus
from db.tables.pairs import Pair
from db.tables.review import SecondOpinion
from tests.acceptance.console.conftest import Factory, Open
from tests.acceptance.console.desk import is_saved, press, shown, wait_for_claim
from tests.rows.review import Seeded, flag, say

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def cluster(committed: Factory, seeded: Seeded) -> list[int]:
    """Four questions, each flagged against each, surer than all the rest; the pairs' ids."""
    with committed.begin() as session:
        first = session.execute(select(Pair.id).order_by(Pair.id)).scalars().first()
        assert first is not None
        ends = ((0, 2), (0, 3), (1, 2), (1, 3))
        return [first, *(flag(session, seeded, *two, score=0.995) for two in ends)]


def said(sessions: Factory, pair_ids: list[int]) -> list[str]:
    with sessions.begin() as session:
        found = session.execute(select(Pair.id, Pair.status).where(Pair.id.in_(pair_ids)))
        known = {row.id: row.status for row in found}
    return [known[pair] for pair in pair_ids]


def test_a_cluster_is_decided_with_two_keys_and_undone_with_one(
    opened: Open, committed: Factory, seeded: Seeded, cluster: list[int]
) -> None:
    page = opened("Ana")
    expect(page.locator(".node")).to_have_count(4)
    entry = shown(page)
    expect(page.locator(f"a[data-pair='{entry}'] .tag")).to_contain_text("4")
    for _ in range(2):
        page.keyboard.press("4")
    expect(page.locator("[data-act=duplicate]")).to_contain_text("All the same")

    page.keyboard.press("4")
    page.keyboard.press("Shift+Digit2")
    expect(page.locator(".node").nth(1)).to_have_class("node chosen")
    expect(page.locator("[data-act=duplicate]")).to_contain_text("The same: 3 of 4")
    press(page, "d")

    kept = ["duplicate", "duplicate", "not_duplicate", "duplicate", "not_duplicate"]
    assert said(committed, cluster) == kept
    with committed.begin() as session:
        group = groups.list_groups(session, seeded.forum.id)[0]
    assert (group.size, group.canonical_id) == (3, seeded.questions[1])
    page.keyboard.press("u")
    expect(page.locator("#said")).to_contain_text("Undone")
    assert shown(page) == entry
    assert set(said(committed, cluster)) == {"flagged"}


def test_a_cluster_is_claimed_skipped_and_refused_as_a_whole(
    opened: Open, committed: Factory, seeded: Seeded, cluster: list[int], address: str
) -> None:
    ana = opened("Ana")
    entry = shown(ana)
    wait_for_claim(committed, entry)
    ben = opened("Ben Okri")
    expect(ben.locator(f"a[data-pair='{entry}'] .who")).to_contain_text("A")
    assert shown(ben) != entry

    with committed.begin() as session:
        say(session, seeded, cluster[1], PairStatus.RELATED, actor="Ben Okri")
    ana.route("**/live?*", lambda route: route.abort())
    ana.keyboard.press("n")
    expect(ana.locator(".notice.bad")).to_contain_text("related by Ben Okri")
    assert said(committed, cluster).count("flagged") == 4

    press(ana, "s")
    ana.goto(f"{address}/console/cooks/review")
    expect(ana.locator(f"a[data-pair='{entry}']")).to_have_count(0)


def test_an_entry_is_accessible_at_every_width(opened: Open, cluster: list[int]) -> None:
    page = opened("Ana")
    assert cluster
    for scheme in ("light", "dark"):
        page.emulate_media(
            color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
        )  # axe must not measure a colour during its transition
        page.keyboard.press("3")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    for width in (1440, 720, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_second_opinion_is_blind_and_a_difference_is_settled(
    opened: Open, committed: Factory, seeded: Seeded, address: str
) -> None:
    with committed.begin() as session:
        pair = session.execute(select(Pair.id).order_by(Pair.id)).scalars().first()
        assert pair is not None
        done = say(session, seeded, pair, PairStatus.NOT_DUPLICATE, actor="Ana")
        asked = {"forum_id": seeded.forum.id, "pair_id": pair, "decision_id": done.id}
        session.execute(insert(SecondOpinion).values(asked))
    ben = opened("Ben Okri")
    ben.locator("#queue a", has_text="2nd").click()
    expect(ben.locator(".stage")).to_contain_text("A second opinion.")
    expect(ben.locator(".stage")).not_to_contain_text("Ana")
    assert Axe().run(ben).violations_count == 0
    with ben.expect_response(is_saved):
        ben.keyboard.press("d")
    expect(ben.locator("#toasts")).to_contain_text("Duplicate")
    assert said(committed, [pair]) == ["not_duplicate"]

    ana = opened("Ana")
    ana.goto(f"{address}/console/cooks/history")
    expect(ana.locator(".tabs .badge")).to_contain_text("1")
    expect(ana.locator(".differing")).to_contain_text("Ben Okri")
    ana.set_viewport_size({"width": 390, "height": 800})
    assert ana.evaluate("document.documentElement.scrollWidth") <= 390
    ana.get_by_role("button", name="Keep “not the same”").click()
    expect(ana.locator(".differing")).to_have_count(0)
    assert said(committed, [pair]) == ["not_duplicate"]
