"""A receiver that is broken, slow or hostile is its own forum's affair."""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Self

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker
from standardwebhooks import Webhook as Receiver
from standardwebhooks.webhooks import WebhookVerificationError

from db.outbox import deliveries, webhooks
from db.outbox.deliveries import Busy, Due, TooManyTestsError
from db.outbox.webhooks import WebhookRow
from db.tables.review import Delivery, Webhook
from db.tenants import forums
from tests.servers.web_server import Quiet, serving
from worker.delivery import webhooks as courier
from worker.delivery.addresses import is_public
from worker.delivery.webhooks import Outcome, deliver_due, note, rest_s

Factory = sessionmaker[Session]


class _Receiver:
    """Hears deliveries; *answer* says how each is answered."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.heard: list[tuple[dict[str, str], bytes, float]] = []
        outer = self

        class Handler(Quiet):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard.append((dict(self.headers), body, time.monotonic()))
                with contextlib.suppress(OSError):
                    answer(self)

        self._serving = contextlib.ExitStack()
        self._handler = Handler
        self.url = ""

    def __enter__(self) -> Self:
        self.url = f"{self._serving.enter_context(serving(self._handler))}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.close()


def well(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(204)
    handler.end_headers()


def rest(after: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(429)
        handler.send_header("Retry-After", after)
        handler.end_headers()

    return answer


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Answer without end, a byte at a time, each before the time-out."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(200):
        handler.wfile.write(b"a")
        handler.wfile.flush()
        time.sleep(0.2)


def make_hook(sessions: Factory, forum: str, url: str) -> WebhookRow:
    with sessions.begin() as session:
        row = forums.ensure_forum(session, forum)
        return webhooks.create(session, row.id, url=url, kinds=["pair.flagged"])


def queue(sessions: Factory, hook: WebhookRow, count: int, *, kind: str = "pair.flagged") -> None:
    with sessions.begin() as session:
        values = {"webhook_id": hook.id, "kind": kind}
        session.execute(Delivery.__table__.insert(), [values] * count)  # type: ignore[attr-defined]


def states(sessions: Factory, hook: WebhookRow) -> Counter[str]:
    with sessions.begin() as session:
        lines = deliveries.log(session, hook.id, limit=500)
    return Counter("delivered" if line.delivered_at else "waiting" for line in lines)


def give_up_others(sessions: Factory, ours: list[WebhookRow]) -> None:
    with sessions.begin() as session:
        others = Delivery.webhook_id.not_in([mine.id for mine in ours])
        session.execute(update(Delivery).where(others).values(given_up_at=func.now()))


POISON = (
    "https://a..b.example/",
    "https://\udcff.example/".encode(errors="replace").decode(),
    "https://nobody.invalid/",
    "http://127.0.0.1:1/",
    "https://ab\x7f.example/",
    "mailto:nobody",
    "https://[::1]:99999/",
)


def test_a_hundred_poison_deliveries_delay_nobody_and_double_none(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "DEADLINE_S", 1.0)
    with _Receiver(well) as good, _Receiver(drip) as slow:
        for url in (*POISON, slow.url):
            queue(committed, make_hook(committed, "strangers", url), 25)
        ours = [make_hook(committed, f"forum-{n}", good.url) for n in range(3)]
        for mine in ours:
            queue(committed, mine, 10)
        thread = threading.Thread(
            target=deliver_due, args=(committed,), kwargs={"allow_private": True}, daemon=True
        )
        begun = time.monotonic()
        thread.start()
        while sum(states(committed, mine)["delivered"] for mine in ours) < 30:
            assert time.monotonic() - begun < 35
            time.sleep(0.1)
        give_up_others(committed, ours)
        thread.join(30)

    ids = Counter(headers["webhook-id"] for headers, *_ in good.heard)
    assert len(ids) == 30
    assert set(ids.values()) == {1}


def test_whatever_an_attempt_raises_is_noted_as_its_outcome(committed: Factory) -> None:
    hooks = [make_hook(committed, f"forum-{n}", url) for n, url in enumerate(POISON)]
    for hook in hooks:
        queue(committed, hook, 1)

    made = deliver_due(committed, allow_private=True)

    with committed.begin() as session:
        lines = [deliveries.log(session, hook.id)[0] for hook in hooks]
        now = session.execute(select(func.now())).scalar_one()
    assert made == len(POISON)
    assert all(line.error and line.attempts == 1 for line in lines)
    assert all(line.due_at - now < timedelta(seconds=6) for line in lines)


def test_an_answer_that_never_ends_is_given_up_in_time(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "DEADLINE_S", 1.0)
    with _Receiver(drip) as slow:
        hook = make_hook(committed, "cooks", slow.url)
        queue(committed, hook, 1)
        begun = time.monotonic()
        deliver_due(committed, allow_private=True)
        took_s = time.monotonic() - begun

    with committed.begin() as session:
        error = deliveries.log(session, hook.id)[0].error or ""
    assert "no answer within 1 s" in error
    assert took_s < 30


def test_a_name_service_that_hangs_is_given_up_in_time(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        is_over.wait(90)
        raise socket.gaierror

    monkeypatch.setattr(courier, "DEADLINE_S", 0.5)
    monkeypatch.setattr("socket.getaddrinfo", hang)
    hook = make_hook(committed, "cooks", "https://slow.example/")
    queue(committed, hook, 2)
    begun = time.monotonic()
    try:
        made = deliver_due(committed)
        took_s = time.monotonic() - begun
    finally:
        is_over.set()

    assert (made, took_s < 60) == (2, True)


def test_one_of_each_forum_comes_before_the_second_of_any(committed: Factory) -> None:
    loud = [make_hook(committed, "loud", f"https://1.1.1.1/{n}") for n in range(3)]
    quiet = make_hook(committed, "quiet", "https://1.1.1.1/")
    for hook in loud:
        queue(committed, hook, 20)
    queue(committed, quiet, 2)

    with committed.begin() as session:
        first = deliveries.claim_due(session, limit=4, busy=Busy())
    busy = Busy(
        webhooks=Counter(due.webhook_id for due in first),
        forums=Counter(due.forum_id for due in first),
    )
    with committed.begin() as session:
        rest_of = deliveries.claim_due(session, limit=20, busy=busy)

    assert Counter(due.forum_id for due in first) == {loud[0].forum_id: 2, quiet.forum_id: 2}
    assert Counter(due.forum_id for due in rest_of) == {loud[0].forum_id: 2}
    assert max(Counter(due.webhook_id for due in (*first, *rest_of)).values()) <= 2


@pytest.mark.parametrize("after", ["120", "http"])
def test_a_receiver_that_asks_for_rest_gets_it(committed: Factory, after: str) -> None:
    when = datetime.now(UTC) + timedelta(seconds=120)
    header = after if after == "120" else when.strftime("%a, %d %b %Y %H:%M:%S GMT")
    with _Receiver(rest(header)) as tired:
        hook = make_hook(committed, "cooks", tired.url)
        queue(committed, hook, 6)
        deliver_due(committed, allow_private=True)
        again = deliver_due(committed, allow_private=True)

    with committed.begin() as session:
        now = session.execute(select(func.clock_timestamp())).scalar_one()
        tried = [line for line in deliveries.log(session, hook.id) if line.attempts]
    assert len(tired.heard) <= courier.PER_WEBHOOK
    assert again == 0
    assert all(timedelta(seconds=100) < line.due_at - now for line in tried)


@pytest.mark.parametrize(
    ("answer", "header", "seconds"),
    [
        (429, "7", 7),
        (503, "7", 7),
        (500, "7", 0),
        (429, "", 0),
        (429, "soon", 0),
        (429, "-5", 0),
        (429, "9" * 5_000, 999_999_999),
        (429, "Thu, 01 Jan 1970 00:00:00 GMT", 0),
        (429, "Fri, 99 Xxx 99999 99:99:99 GMT", 0),
        (503, "Thu, 26 Nov 2026 08:00:30 GMT", 30),
    ],
)
def test_what_a_receiver_asks_for_is_understood(answer: int, header: str, seconds: int) -> None:
    assert rest_s(answer, header, now=datetime(2026, 11, 26, 8, tzinfo=UTC)) == seconds


def test_a_rest_is_a_day_at_most(committed: Factory) -> None:
    hook = make_hook(committed, "cooks", "https://1.1.1.1/")
    queue(committed, hook, 1)
    with committed.begin() as session:
        (due,) = deliveries.claim_due(session, limit=1, busy=Busy())
        note(session, due, Outcome(answer=429, error="tired", rest_s=10**9))

    with committed.begin() as session:
        now = session.execute(select(func.clock_timestamp())).scalar_one()
        line = deliveries.log(session, hook.id)[0]
    assert line.due_at - now <= timedelta(days=1)


def headers_of(sessions: Factory, hook: WebhookRow) -> tuple[Due, dict[str, str], str]:
    queue(sessions, hook, 1)
    with sessions.begin() as session:
        (due,) = deliveries.claim_due(session, limit=1, busy=Busy())
    body = courier.message(due)
    return due, courier.signed(due, body, datetime.now(UTC)), body


def test_after_a_rotation_both_secrets_sign_for_a_day(committed: Factory) -> None:
    hook = make_hook(committed, "cooks", "https://1.1.1.1/")
    with committed.begin() as session:
        fresh = webhooks.rotate_secret(session, hook.forum_id, hook.id)

    _, headers, body = headers_of(committed, hook)

    for secret in (hook.secret, fresh.secret):
        Receiver(secret).verify(body, headers)
    with committed.begin() as session:
        session.execute(update(Webhook).values(old_secret_until=func.now() - timedelta(seconds=1)))
    _, headers, body = headers_of(committed, hook)
    Receiver(fresh.secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Receiver(hook.secret).verify(body, headers)


def test_a_webhook_is_tested_a_few_times_a_minute(committed: Factory) -> None:
    hook = make_hook(committed, "cooks", "https://1.1.1.1/")
    for _ in range(deliveries.TESTS_A_MINUTE):
        with committed.begin() as session:
            deliveries.send_test(session, hook.forum_id, hook.id)

    with committed.begin() as session, pytest.raises(TooManyTestsError):
        deliveries.send_test(session, hook.forum_id, hook.id)
    with committed.begin() as session:
        session.execute(update(Delivery).values(created_at=func.now() - timedelta(minutes=2)))
        deliveries.send_test(session, hook.forum_id, hook.id)


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808",
        "::a9fe:a9fe",
        "::ffff:0:169.254.169.254",
        "::ffff:10.0.0.1",
        "fec0::1",
        "2002:a9fe:a9fe::1",
        "2001:0:808:808::1",
        "2606:4700::5efe:a00:1",
        "3fff::1",
        "5f00::1",
        "100.64.0.1",
        "192.88.99.1",
        "240.0.0.1",
        "fe80::1%eth0",
    ],
)
def test_addresses_that_lead_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::1"]
)
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)
