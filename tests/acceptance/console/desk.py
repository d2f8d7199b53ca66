"""What the tests of the console look at and press."""

from playwright.sync_api import Page, Response
from sqlalchemy import exists, select
from sqlalchemy.orm import Session, sessionmaker

from cli.running.service import wait_until
from db.tables.pairs import Pair
from db.tables.review import Claim

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
    with page.expect_response(is_saved):
        page.keyboard.press(key)
    page.wait_for_function(
        "before => document.querySelector('.stage')?.dataset.pair !== before", arg=before
    )


def is_saved(answer: Response) -> bool:
    """Return whether this is the answer to a decision, or to what puts it off."""
    return answer.request.method == "POST" and not answer.url.endswith("/claim")


def wait_for_claim(sessions: Factory, pair: str) -> None:
    """Wait until somebody has claimed the pair: a page says so after it is shown."""

    def is_claimed() -> bool:
        with sessions.begin() as session:
            found = session.execute(select(exists().where(Claim.pair_id == int(pair))))
            return found.scalar_one()

    wait_until(is_claimed, timeout_s=60)
