"""An archive is sent from the browser, and its progress is seen."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.acceptance.console.conftest import Open

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
CSV = "id,title,deleted\n" + "".join(f"n{n},How do I fry leek {n}?,f\n" for n in range(50))
CSV += "gone,Who took my leek?,t\nshort\n"


def test_an_admin_sends_a_file_and_sees_what_became_of_it(opened: Open) -> None:
    page = opened("Ana")
    page.get_by_role("link", name="Archives").click()
    given = {"name": "leeks.csv", "mimeType": "text/csv", "buffer": CSV.encode()}
    page.get_by_label("File").set_input_files(given)  # type: ignore[arg-type]

    page.get_by_role("button", name="Import").click()

    expect(page.locator("#upload output")).to_contain_text("Stored")
    card = page.locator("#archives .card").first
    expect(card).to_contain_text("leeks.csv")
    expect(card).to_contain_text("New50")
    expect(card).to_contain_text("Hidden by the forum1")
    page.get_by_role("button", name="Pause leeks.csv").click()
    expect(page.locator("#archives .card").first).to_contain_text("paused")
    page.get_by_role("link", name="Report").click()
    expect(page.get_by_role("link", name="Rejected rows")).to_be_visible()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    assert found.violations_count == 0, found.generate_report()


def test_a_moderator_sees_the_archives_and_cannot_send_one(opened: Open) -> None:
    page = opened("Ben Okri")

    page.get_by_role("link", name="Archives").click()

    expect(page.locator("h1")).to_have_text("Archives")
    expect(page.locator("#upload")).to_have_count(0)
