"""Webhooks and what is on its way to them."""

from operator import attrgetter
from typing import ClassVar

from sqlalchemy.orm import Session

from db.outbox import webhooks
from db.outbox.webhooks import Due
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums


def _due(session: Session, own: Side) -> Due:
    hook = webhooks.get(session, own.id, own.webhook)
    return Due(
        id=own.delivery,
        webhook_id=hook.id,
        url=hook.url,
        secret=hook.secret,
        kind="pair.flagged",
        attempts=1,
        happened_at=hook.created_at,
        data={},
    )


class TestTwoForums(TwoForums):
    module = webhooks
    calls: ClassVar[Calls] = {
        "create": lambda session, own: webhooks.create(
            session, own.id, url="https://a.example/", kinds=["pair.flagged"]
        ),
        "change": lambda session, own: webhooks.change(
            session, own.id, own.webhook, url="https://b.example/", kinds=["pair.decided"]
        ),
        "rotate_secret": lambda session, own: webhooks.rotate_secret(session, own.id, own.webhook),
        "get": lambda session, own: webhooks.get(session, own.id, own.webhook),
        "list_webhooks": lambda session, own: webhooks.list_webhooks(session, own.id),
        "remove": lambda session, own: webhooks.remove(session, own.id, own.webhook),
        "enable": lambda session, own: webhooks.enable(session, own.id, own.webhook),
        "send_test": lambda session, own: webhooks.send_test(session, own.id, own.webhook),
        "log": lambda session, own: webhooks.log(session, own.webhook),
        "retry": lambda session, own: webhooks.retry(session, own.id, own.webhook, own.delivery),
        "record_success": lambda session, own: webhooks.record_success(
            session, _due(session, own), answer=200
        ),
        "record_failure": lambda session, own: webhooks.record_failure(
            session, _due(session, own), answer=500, error="x", retry_in=None
        ),
        "disable": lambda session, own: webhooks.disable(session, own.webhook, notice="off"),
    }
    crossed: ClassVar[Crossed] = {
        "get": (
            attrgetter("webhook"),
            lambda session, own, thing: webhooks.get(session, own.id, thing),
        ),
        "change": (
            attrgetter("webhook"),
            lambda session, own, thing: webhooks.change(session, own.id, thing),
        ),
        "rotate_secret": (
            attrgetter("webhook"),
            lambda session, own, thing: webhooks.rotate_secret(session, own.id, thing),
        ),
        "remove": (
            attrgetter("webhook"),
            lambda session, own, thing: webhooks.remove(session, own.id, thing),
        ),
        "enable": (
            attrgetter("webhook"),
            lambda session, own, thing: webhooks.enable(session, own.id, thing),
        ),
        "send_test": (
            attrgetter("webhook"),
            lambda session, own, thing: webhooks.send_test(session, own.id, thing),
        ),
        "retry: webhook": (
            attrgetter("webhook"),
            lambda session, own, thing: webhooks.retry(session, own.id, thing, own.delivery),
        ),
        "retry: delivery": (
            attrgetter("delivery"),
            lambda session, own, thing: webhooks.retry(session, own.id, own.webhook, thing),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"claim_due", "forget_old"})
