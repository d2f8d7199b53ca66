"""What the tests of the console look at and press."""

from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from db.tables.pairs import Pair

Factory = sessionmaker[Session]


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
