"""Saves a picture of every page of the console: ``python -m tests.screenshots FOLDER``.

The real models check the sample forum; decisions follow its labels. The light review page at 1440
pixels is the picture of the README.
"""

import random
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from sqlalchemy import select, update

from api.app import create_app
from api.settings import ApiSettings
from api.shapes.schemas import BatchItemIn
from cli.running.service import running_servers
from cli.sample import FORUM, labels, load_questions
from db.deciding import decisions
from db.deciding.decisions import Verdict
from db.engine import Sessions
from db.errors import ConflictError
from db.questions import saving
from db.questions.rows import NewQuestion
from db.rows import PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tables.review import Decision
from db.tenants import forums, people
from db.tenants.people import Role
from db.work import jobs
from db.work.rows import Lane
from tests.servers.browser import chromium, shoot, sign_in
from tests.servers.live_server import serving
from worker.live.pipeline import Pipeline
from worker.matching.models import Limits
from worker.queue import CeleryQueue
from worker.resources import register
from worker.text.intake import question_of
from worker.weights.load import DEFAULT_ENCODER, DEFAULT_RERANKER, load_encoder, load_reranker

SIZES = ((1440, 900), (1024, 768), (390, 844))
PAGES = (
    "review",
    "bulk",
    "groups",
    "groups/1",
    "faq",
    "thresholds",
    "insight",
    "archives",
    "history",
    "actions",
    "settings",
)
PEOPLE = ("Ana", "Ben Okri", "Chloé Duval")
DECIDED_SHARE = 0.5
_PASSWORD = "only for these pictures"  # noqa: S105  # of a database that is thrown away


def _load_sample(sessions: Sessions) -> None:
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, FORUM, title="Sample forum")
        items = [_question(row) for row in load_questions()]
        saving.save(session, forum, items, lane=Lane.LIVE)
        for name in PEOPLE:
            person = people.ensure_person(session, name)
            people.set_password(session, person.id, _PASSWORD)
            role = Role.ADMIN if name == PEOPLE[0] else Role.MODERATOR
            people.set_role(session, person.id, forum.id, role)


def _question(row: dict[str, Any]) -> NewQuestion:
    sent = BatchItemIn.model_validate(row)
    return question_of(sent.submission(sent.id), text_fields="title")


def _check_sample(sessions: Sessions, cache: Path) -> None:
    encoder = load_encoder(DEFAULT_ENCODER, cache=cache)
    reranker = load_reranker(DEFAULT_RERANKER, cache=cache)
    made = register(sessions, encoder, reranker)
    pipeline = Pipeline(sessions, made, Limits())
    while True:
        with sessions.begin() as session:
            claim = jobs.claim(session, Lane.LIVE, token_budget=4096, limit=256, lease_s=600)
        if not claim.questions:
            return
        pipeline.process(claim.questions, claim.lease)


def _decide(sessions: Sessions) -> None:
    chance = random.Random(7)  # noqa: S311  # the same pictures every time
    known = labels()
    with sessions.begin() as session:
        forum = forums.get_forum(session, FORUM)
        rows = session.execute(select(Question.id, Question.external_id))
        names = {row.id: row.external_id for row in rows}
        pairs = session.execute(select(Pair).order_by(Pair.id)).scalars().all()
        for pair in chance.sample(pairs, int(DECIDED_SHARE * len(pairs))):
            label = known.get(frozenset((names[pair.low_id], names[pair.high_id])), "near_miss")
            status = PairStatus.NOT_DUPLICATE if label == "near_miss" else PairStatus.DUPLICATE
            verdict = Verdict(status=status, version=pair.version)
            try:
                done = decisions.decide(
                    session, forum.id, pair.id, verdict, actor=chance.choice(PEOPLE)
                )
            except ConflictError:
                continue
            long_ago = timedelta(seconds=chance.expovariate(1 / 5e5))
            session.execute(
                update(Decision)
                .where(Decision.id == done.id)
                .values(
                    created_at=Decision.created_at - long_ago, seconds=chance.expovariate(1 / 9)
                )
            )


def _go_to_a_pair_with_scores(page: Page) -> None:
    """Skip pairs of the same text, which show no scores."""
    while "same text" in (page.locator(".stage h1").text_content() or ""):
        before = page.locator(".stage").get_attribute("data-pair")
        page.keyboard.press("j")
        page.wait_for_function(
            "before => document.querySelector('.stage')?.dataset.pair !== before", arg=before
        )


def _shoot_all(page: Page, address: str, folder: Path) -> None:
    for path in PAGES:
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": height})
                page.goto(f"{address}/console/{FORUM}/{path}")
                if path == "review":
                    _go_to_a_pair_with_scores(page)
                name = f"{path.replace('/', '-')}-{width}-{scheme}.png"
                shoot(page, folder / name, width=width, height=height, scheme=scheme)


def main() -> None:
    """Load the sample, let the models check it, and take the pictures."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with running_servers() as servers:
        sessions = servers.sessions
        _load_sample(sessions)
        _check_sample(sessions, servers.folder / "models")
        _decide(sessions)
        settings = ApiSettings.model_validate(
            {"redis_url": servers.running.redis_url, "secret_key": "0123456789abcdef" * 2}
        )
        app = create_app(settings, sessions, CeleryQueue(servers.running.redis_url))
        with serving(app) as address, chromium() as browser:
            page = browser.new_page(
                reduced_motion="reduce"
            )  # no picture in the middle of a transition
            sign_in(page, address, PEOPLE[0], _PASSWORD)
            _shoot_all(page, address, folder)
    print(f"{len(PAGES) * len(SIZES) * 2} pictures in {folder}")  # noqa: T201


if __name__ == "__main__":
    main()
