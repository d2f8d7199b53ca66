"""Webhooks of two forums."""

from operator import attrgetter
from typing import ClassVar

from db.outbox import webhooks
from tests.integration.db.two_forums import Calls, Crossed, TwoForums


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
        "storable": lambda _session, _own: webhooks.storable("a\0b"),
        "rest": lambda session, own: webhooks.rest(session, own.webhook, seconds=60),
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
    }
