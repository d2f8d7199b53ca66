"""Webhooks, end to end: the trigger, the signature, the retries, the switch."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker
from standardwebhooks import Webhook as Receiver
from standardwebhooks.webhooks import WebhookVerificationError

from db.errors import (
    InvalidInputError,
    LostTransactionError,
    NotFoundError,
    ReadOnlyDatabaseError,
)
from db.outbox import deliveries, webhooks
from db.outbox.webhooks import WebhookRow
from db.rows import PairStatus
from db.tables.review import Delivery
from tests.rows.review import Seeded, flag, say, seed_questions
from tests.servers.web_server import Quiet, serving
from worker.delivery import webhooks as sender
from worker.delivery.addresses import check_url, is_public, resolve
from worker.delivery.webhooks import RETRIES, deliver_due, retry_after

Factory = sessionmaker[Session]


class _Hook(Quiet):
    answers: ClassVar[list[int]] = []
    heard: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((dict(self.headers), body))
        self.send_response(self.answers.pop(0) if self.answers else 204)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()


@pytest.fixture
def address() -> Iterator[str]:
    _Hook.answers.clear()
    _Hook.heard.clear()
    with serving(_Hook) as at:
        yield f"{at.replace('127.0.0.1', 'localhost')}/hook?from=askedbefore"


@pytest.fixture
def seeded(committed: Factory) -> Seeded:
    with committed.begin() as session:
        return seed_questions(session, "How do I boil an egg", "Boiling an egg")


def make_hook(sessions: Factory, seeded: Seeded, url: str, *kinds: str) -> WebhookRow:
    with sessions.begin() as session:
        return webhooks.create(
            session, seeded.forum.id, url=url, kinds=kinds or ("pair.decided", "group.changed")
        )


def deliver(sessions: Factory) -> int:
    return deliver_due(sessions, allow_private=True)


def make_due(sessions: Factory) -> None:
    with sessions.begin() as session:
        session.execute(update(Delivery).values(due_at=Delivery.due_at - timedelta(days=2)))


def test_a_decision_is_told_with_a_signature_that_verifies(
    committed: Factory, seeded: Seeded, address: str
) -> None:
    hook = make_hook(committed, seeded, address)
    with committed.begin() as session:
        pair = flag(session, seeded, 0, 1)
        say(session, seeded, pair, canonical=seeded.questions[1])

    assert deliver(committed) == 2

    bodies = [Receiver(hook.secret).verify(body, headers) for headers, body in _Hook.heard]
    told = {body["type"]: body["data"] for body in bodies}
    assert told["pair.decided"] == {
        "by": "ana",
        "pair_id": str(pair),
        "questions": ["q-1", "q-2"],
        "status": "duplicate",
        "version": 2,
        "score": 0.9,
        "canonical": "q-2",
    }
    assert told["group.changed"]["questions"] == ["q-1", "q-2"]
    assert told["group.changed"]["canonical"] == "q-2"
    assert deliver(committed) == 0


def test_a_changed_body_does_not_verify(committed: Factory, seeded: Seeded, address: str) -> None:
    hook = make_hook(committed, seeded, address)
    with committed.begin() as session:
        deliveries.send_test(session, seeded.forum.id, hook.id)
    deliver(committed)

    headers, body = _Hook.heard[0]

    assert json.loads(body)["type"] == "test"
    with pytest.raises(WebhookVerificationError):
        Receiver(hook.secret).verify(body + b" ", headers)


def test_only_wanted_events_of_the_own_forum_are_told(
    committed: Factory, seeded: Seeded, address: str
) -> None:
    make_hook(committed, seeded, address, "pair.undone")
    with committed.begin() as session:
        other = seed_questions(session, "Rye", "Rye bread", forum="bakers")
        say(session, seeded, flag(session, seeded, 0, 1))
        say(session, other, flag(session, other, 0, 1))

    assert deliver(committed) == 0


def test_what_is_rolled_back_is_told_to_nobody(
    committed: Factory, seeded: Seeded, address: str
) -> None:
    make_hook(committed, seeded, address)
    with committed() as session:
        say(session, seeded, flag(session, seeded, 0, 1))
        session.rollback()

    assert deliver(committed) == 0


def test_a_failure_is_tried_again_later(committed: Factory, seeded: Seeded, address: str) -> None:
    hook = make_hook(committed, seeded, address)
    with committed.begin() as session:
        deliveries.send_test(session, seeded.forum.id, hook.id)
    _Hook.answers[:] = [500, 302, 200]

    assert (deliver(committed), deliver(committed)) == (1, 0)
    make_due(committed)
    deliver(committed)
    make_due(committed)
    deliver(committed)

    assert len(_Hook.heard) == 3  # the redirect was not followed
    assert len({headers["webhook-id"] for headers, _ in _Hook.heard}) == 1
    with committed.begin() as session:
        line = deliveries.log(session, hook.id)[0]
    assert (line.attempts, line.answer, line.error) == (3, 200, None)
    assert line.delivered_at is not None


def test_a_delivery_that_a_read_only_database_does_not_note_is_made_once(
    committed: Factory, seeded: Seeded, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_hook(committed, seeded, address)
    with committed.begin() as session:
        say(session, seeded, flag(session, seeded, 0, 1))
    noted, refusals = sender.note, [ReadOnlyDatabaseError(), LostTransactionError()]

    def note(session: Session, due: deliveries.Due, outcome: sender.Outcome) -> None:
        if refusals:
            raise refusals.pop()
        noted(session, due, outcome)

    monkeypatch.setattr(sender, "note", note)
    monkeypatch.setattr(sender, "_LOOK_S", 0.01)
    made = deliver(committed)

    assert (deliver(committed), refusals) == (0, [])
    assert len(_Hook.heard) == made > 0


def test_a_webhook_that_keeps_failing_is_switched_off_with_a_notice(
    committed: Factory, seeded: Seeded, address: str
) -> None:
    hook = make_hook(committed, seeded, address, "pair.decided")
    with committed.begin() as session:
        pair_id = flag(session, seeded, 0, 1)
        for _ in range(deliveries.GIVEN_UP_LIMIT + 1):
            say(session, seeded, pair_id, PairStatus.RELATED)
        session.execute(update(Delivery).values(attempts=len(RETRIES)))
    _Hook.answers[:] = [503] * 10

    deliver(committed)

    with committed.begin() as session:
        found = webhooks.get(session, seeded.forum.id, hook.id)
        assert found.disabled_at is not None
        assert "it answered 503" in (found.notice or "")
        say(session, seeded, pair_id, PairStatus.RELATED)
    assert deliver(committed) == 0
    with committed.begin() as session:
        webhooks.enable(session, seeded.forum.id, hook.id)
        say(session, seeded, pair_id, PairStatus.RELATED)
    _Hook.answers.clear()
    assert deliver(committed) == 1


def test_an_answer_of_gone_switches_off_at_once(
    committed: Factory, seeded: Seeded, address: str
) -> None:
    hook = make_hook(committed, seeded, address)
    with committed.begin() as session:
        deliveries.send_test(session, seeded.forum.id, hook.id)
    _Hook.answers[:] = [410]

    deliver(committed)

    with committed.begin() as session:
        assert "410 Gone" in (webhooks.get(session, seeded.forum.id, hook.id).notice or "")


def test_a_private_address_is_not_called(committed: Factory, seeded: Seeded, address: str) -> None:
    hook = make_hook(committed, seeded, address.replace("http://", "https://"))
    with committed.begin() as session:
        deliveries.send_test(session, seeded.forum.id, hook.id)

    assert deliver_due(committed) == 1

    assert _Hook.heard == []
    with committed.begin() as session:
        error = deliveries.log(session, hook.id)[0].error or ""
    assert "is in a private network" in error


def test_a_webhook_of_another_forum_is_not_there(committed: Factory, seeded: Seeded) -> None:
    hook = make_hook(committed, seeded, "https://forum.example/hook")
    with committed.begin() as session:
        other = seed_questions(session, "Rye", forum="bakers").forum.id
        with pytest.raises(NotFoundError):
            webhooks.remove(session, other, hook.id)
        with pytest.raises(InvalidInputError):
            webhooks.create(session, other, url="https://x.example", kinds=["pair.eaten"])
        webhooks.remove(session, seeded.forum.id, hook.id)
        assert webhooks.list_webhooks(session, seeded.forum.id) == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  # judged, not bound
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "224.0.0.1",
    ],
)
def test_private_addresses_are_known_as_such(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_known_as_such(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://forum.example/h",
        "ftp://forum.example",
        "https://",
        "https://user:secret@forum.example",
        "https://forum.example:0/",
        "https://forum.example:x/",
        "https://" + "x" * 500,
        "javascript:alert(1)",
    ],
)
def test_urls_that_no_webhook_can_have(url: str) -> None:
    with pytest.raises(InvalidInputError):
        check_url(url)


def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    target = resolve("http://localhost:8080/hook?a=1", allow_private=True)

    assert target.host_header == "localhost:8080"
    assert target.pinned_url in {"http://127.0.0.1:8080/hook?a=1", "http://[::1]:8080/hook?a=1"}


def test_patience_grows_and_ends() -> None:
    waits = [retry_after(attempt) for attempt in range(1, len(RETRIES) + 2)]

    assert waits == [*sorted(RETRIES), None]
