"""What is on its way to webhooks of two forums."""

from operator import attrgetter
from typing import ClassVar

from sqlalchemy.orm import Session

from db.outbox import deliveries, webhooks
from db.outbox.deliveries import Due
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums


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
