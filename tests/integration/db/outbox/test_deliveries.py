"""What is on its way to webhooks of two forums."""

from collections import Counter
from datetime import timedelta
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from db.errors import NotFoundError
from db.outbox import deliveries, webhooks
from db.outbox.deliveries import Busy, DeliveryRow, Due, TooManyTestsError
from db.outbox.webhooks import WebhookOffError, WebhookRow
from db.tables.review import Delivery, Webhook
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums
from tests.rows.factories import make_forum


def _due(session: Session, own: Side) -> Due:
    hook = webhooks.get(session, own.id, own.webhook)
    return Due(
        id=own.delivery,
        webhook_id=hook.id,
        url=hook.url,
        forum_id=own.id,
        secrets=[hook.secret],
        kind="pair.flagged",
        attempts=1,
        happened_at=hook.created_at,
        data={},
    )


class TestTwoForums(TwoForums):
    module = deliveries
    calls: ClassVar[Calls] = {
        "send_test": lambda session, own: deliveries.send_test(session, own.id, own.webhook),
        "log": lambda session, own: deliveries.log(session, own.webhook),
        "retry": lambda session, own: deliveries.retry(session, own.id, own.webhook, own.delivery),
        "record_success": lambda session, own: deliveries.record_success(
            session, _due(session, own), answer=200
        ),
        "record_failure": lambda session, own: deliveries.record_failure(
            session, _due(session, own), answer=500, error="x", retry_in=None
        ),
    }
    crossed: ClassVar[Crossed] = {
        "send_test": (
            attrgetter("webhook"),
            lambda session, own, thing: deliveries.send_test(session, own.id, thing),
        ),
        "retry: webhook": (
            attrgetter("webhook"),
            lambda session, own, thing: deliveries.retry(session, own.id, thing, own.delivery),
        ),
        "retry: delivery": (
            attrgetter("delivery"),
            lambda session, own, thing: deliveries.retry(session, own.id, own.webhook, thing),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset(
        {"claim_due", "forget_old", "objection_path"}
    )


class Candidate(NamedTuple):
    """A delivery that is due, by its place."""

    id: int
    webhook_id: int
    forum_id: int


def hook(session: Session, forum: str = "cooks") -> WebhookRow:
    url = f"https://{forum}.example/hook"
    return webhooks.create(session, make_forum(session, forum).id, url=url, kinds=["pair.decided"])


def waiting(
    session: Session, to: WebhookRow, count: int = 1, *, kind: str = "pair.decided"
) -> None:
    session.execute(insert(Delivery), [{"webhook_id": to.id, "kind": kind}] * count)


def claimed(session: Session, limit: int = 9, **given: Any) -> list[Due]:
    return deliveries.claim_due(session, limit=limit, busy=Busy(**given))


def newest(session: Session, to: WebhookRow) -> DeliveryRow:
    return deliveries.log(session, to.id, limit=1)[0]


def give_up(session: Session, due: Due, *, answer: int | None = 500, error: str = "no") -> None:
    deliveries.record_failure(session, due, answer=answer, error=error, retry_in=None)


@settings(max_examples=40)
@given(
    hooks=st.lists(st.integers(0, 5), max_size=12),
    busy=st.dictionaries(st.integers(0, 5), st.integers(0, 3), max_size=3),
    per_webhook=st.integers(1, 3),
    per_forum=st.integers(1, 4),
)
def test_no_forum_waits_for_another_and_none_has_more_than_its_share(
    hooks: list[int], busy: dict[int, int], per_webhook: int, per_forum: int
) -> None:
    rows = [Candidate(id=n, webhook_id=one, forum_id=one % 3) for n, one in enumerate(hooks)]
    by_forum = Counter({one % 3: 0 for one in busy})
    for one, count in busy.items():
        by_forum[one % 3] += count
    limits = {"per_webhook": per_webhook, "per_forum": per_forum}

    found = deliveries._fair(rows, Busy(webhooks=busy, forums=by_forum, **limits))  # noqa: SLF001

    made_hooks, made_forums = Counter(busy), by_forum.copy()
    turns = []
    for row in found:
        turns.append(made_forums[row.forum_id])
        made_hooks[row.webhook_id] += 1
        made_forums[row.forum_id] += 1
        assert made_hooks[row.webhook_id] <= per_webhook
        assert made_forums[row.forum_id] <= per_forum
    assert turns == sorted(turns)
    assert len({row.id for row in found}) == len(found)


def test_what_is_claimed_is_nobody_elses_and_counts_as_an_attempt(session: Session) -> None:
    to = hook(session)
    waiting(session, to)

    (due,) = claimed(session)

    assert (due.url, due.attempts, due.secrets) == (to.url, 1, [to.secret])
    assert claimed(session) == []


def test_each_forum_gets_its_first_delivery_before_any_gets_its_second(session: Session) -> None:
    loud, quiet = hook(session, "loud"), hook(session, "quiet")
    waiting(session, loud, 5)
    waiting(session, quiet)

    found = claimed(session, 2)

    assert {due.forum_id for due in found} == {loud.forum_id, quiet.forum_id}


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({"rests_until": None}, {"pair.decided", "test"}),
        ({"disabled_at": func.now()}, {"test"}),
        ({"rests_until": func.now() + timedelta(hours=1)}, {"test"}),
        ({"rests_until": func.now() - timedelta(hours=1)}, {"pair.decided", "test"}),
    ],
)
def test_a_webhook_that_is_off_or_rests_gets_its_tests_alone(
    session: Session, values: dict[str, object], kinds: set[str]
) -> None:
    to = hook(session)
    waiting(session, to)
    waiting(session, to, kind="test")
    session.execute(update(Webhook).values(values))

    assert {due.kind for due in claimed(session)} == kinds


def test_the_old_secret_signs_beside_the_new_one_for_a_day(session: Session) -> None:
    to = hook(session)
    new = webhooks.rotate_secret(session, to.forum_id, to.id)
    waiting(session, to, 2)

    first, _ = claimed(session)
    session.execute(update(Webhook).values(old_secret_until=func.now() - timedelta(seconds=1)))
    session.execute(update(Delivery).values(due_at=func.now()))
    later, _ = claimed(session)

    assert first.secrets == [new.secret, to.secret]
    assert later.secrets == [new.secret]


def test_what_arrived_is_in_the_log_and_makes_earlier_failures_forgotten(session: Session) -> None:
    to = hook(session)
    waiting(session, to, 2)
    failed, arrived = claimed(session)
    give_up(session, failed)

    deliveries.record_success(session, arrived, answer=204)

    row = deliveries.log(session, to.id, before=arrived.id + 1, limit=1)[0]
    assert (row.answer, row.error, row.given_up_at) == (204, None, None)
    assert row.delivered_at is not None
    assert session.execute(select(Webhook.failures)).scalar_one() == 0


def test_what_failed_is_due_again_later_with_its_reason(session: Session) -> None:
    to = hook(session)
    waiting(session, to)
    (due,) = claimed(session)

    wait = timedelta(minutes=7)
    deliveries.record_failure(session, due, answer=None, error="no\0route", retry_in=wait)

    row = newest(session, to)
    assert (row.error, row.attempts, row.given_up_at) == ("no\ufffdroute", 1, None)
    assert row.due_at - row.created_at > timedelta(minutes=6)
    assert claimed(session) == []


def test_after_three_given_up_in_a_row_the_webhook_is_off_and_says_why(session: Session) -> None:
    to = hook(session)
    for left in (2, 1, 0):
        waiting(session, to)
        give_up(session, claimed(session)[0], error="no route")
        assert (webhooks.get(session, to.forum_id, to.id).disabled_at is None) is (left > 0)

    notice = webhooks.get(session, to.forum_id, to.id).notice
    assert notice == "switched off: 3 deliveries in a row failed; the last error: no route"


def test_tests_that_fail_switch_nothing_off(session: Session) -> None:
    to = hook(session)
    for _ in range(4):
        deliveries.send_test(session, to.forum_id, to.id)
        give_up(session, claimed(session)[0])

    assert webhooks.get(session, to.forum_id, to.id).disabled_at is None


def test_a_webhook_is_tested_a_few_times_a_minute(session: Session) -> None:
    to = hook(session)
    for _ in range(deliveries.TESTS_A_MINUTE):
        assert deliveries.send_test(session, to.forum_id, to.id).kind == "test"

    with pytest.raises(TooManyTestsError, match="5 times a minute") as told:
        deliveries.send_test(session, to.forum_id, to.id)
    assert told.value.retry_after_s == 60

    session.execute(update(Delivery).values(created_at=func.now() - timedelta(minutes=2)))
    assert deliveries.send_test(session, to.forum_id, to.id).attempts == 0


def test_a_delivery_is_made_again_from_its_first_attempt_on(session: Session) -> None:
    to = hook(session)
    waiting(session, to)
    give_up(session, claimed(session)[0])

    row = deliveries.retry(session, to.forum_id, to.id, newest(session, to).id)

    assert (row.attempts, row.answer, row.error, row.given_up_at) == (0, None, None, None)
    assert [due.id for due in claimed(session)] == [row.id]


def test_nothing_is_made_again_for_a_webhook_that_is_off_but_its_test(session: Session) -> None:
    to = hook(session)
    waiting(session, to)
    plain = newest(session, to).id
    webhooks.disable(session, to.id, notice="off")
    tested = deliveries.send_test(session, to.forum_id, to.id).id

    assert deliveries.retry(session, to.forum_id, to.id, tested).id == tested
    with pytest.raises(WebhookOffError):
        deliveries.retry(session, to.forum_id, to.id, plain)
    with pytest.raises(NotFoundError, match="there is no delivery 77"):
        deliveries.retry(session, to.forum_id, to.id, 77)


def test_the_log_is_read_page_by_page_and_forgets_what_is_old(session: Session) -> None:
    to = hook(session)
    waiting(session, to, 5)
    first = deliveries.log(session, to.id, limit=3)
    second = deliveries.log(session, to.id, before=first[-1].id, limit=3)
    ids = [row.id for row in (*first, *second)]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 5

    old = Delivery.id <= second[0].id
    session.execute(update(Delivery).where(old).values(created_at=func.now() - timedelta(days=9)))

    assert deliveries.forget_old(session, days=8, limit=1) == 1
    assert deliveries.forget_old(session, days=8, limit=9) == 1
    assert [row.id for row in deliveries.log(session, to.id)] == [row.id for row in first]
