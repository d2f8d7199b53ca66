"""A server, a Chromium, a forum with pairs to review, and signed-in moderators."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import Error as PageError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from db.outbox import webhooks
from db.rows import PairStatus
from db.tables.pairs import Pair
from db.tables.review import Person
from db.tenants.people import Role
from tests.rows.review import PASSWORD, Seeded, flag, make_person, say, seed_questions
from tests.servers.api_service import NotingQueue, make_settings
from tests.servers.browser import PATIENCE_MS, chromium, sign_in
from tests.servers.live_server import serving

Factory = sessionmaker[Session]
Open = Callable[[str], Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def address(committed: Factory) -> Iterator[str]:
    with serving(create_app(make_settings(), committed, NotingQueue())) as url:
        yield url
    with committed.begin() as session:
        session.execute(delete(Person))


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
    contexts: list[BrowserContext] = []
    errors: list[PageError] = []

    def start(name: str) -> Page:
        context = browser.new_context()
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108  # no builtin can be one
        sign_in(page, address, name, PASSWORD)
        return page

    assert seeded.questions
    yield start
    for context in contexts:
        context.close()
    assert errors == []


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
