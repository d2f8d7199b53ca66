"""Queries on webhooks: which events they receive, and deliveries not yet made.

A trigger on `events` writes the deliveries in the event's own transaction. So no delivery is lost,
none reports what was rolled back, and code that records events need not know of webhooks.
"""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from db.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
)
from db.tables.review import Delivery, Webhook

KINDS = (
    "pair.flagged",
    "pair.decided",
    "pair.undone",
    "group.changed",
    "action.due",
    "group.rising",
    "question.checked",
    "archive.done",
)
LIMIT = 10
"""Webhooks of a forum at most."""
OLD_SECRET_SIGNS = timedelta(days=1)
LONGEST_REST = timedelta(days=1)


class WebhookOffError(ConflictError):
    """This webhook is switched off: switch it on first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRow:
    """A webhook with its signing secret."""

    id: int
    forum_id: int
    url: str
    secret: str
    kinds: Sequence[str]
    disabled_at: datetime | None
    notice: str | None
    created_at: datetime


def create(session: Session, forum_id: int, *, url: str, kinds: Sequence[str]) -> WebhookRow:
    """Store a webhook with a new secret; raises `InvalidInputError`."""
    wanted = _known(kinds)
    if len(list_webhooks(session, forum_id)) >= LIMIT:
        raise InvalidInputError(f"a forum has at most {LIMIT} webhooks")
    values = {"forum_id": forum_id, "url": url, "secret": _new_secret(), "kinds": wanted}
    webhook_id = session.execute(insert(Webhook).values(values).returning(Webhook.id)).scalar_one()
    return get(session, forum_id, webhook_id)


def _known(kinds: Sequence[str]) -> list[str]:
    if not kinds or set(kinds) - set(KINDS):
        raise InvalidInputError(f"choose among {', '.join(KINDS)}")
    return sorted(set(kinds))


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def change(
    session: Session,
    forum_id: int,
    webhook_id: int,
    *,
    url: str | None = None,
    kinds: Sequence[str] | None = None,
) -> WebhookRow:
    """Change the address or the kinds of a webhook; None leaves a value as it is.

    Waiting deliveries go to the new address. Raises `NotFoundError` and `InvalidInputError`.
    """
    get(session, forum_id, webhook_id)
    values: dict[str, object] = {} if url is None else {"url": url}
    if kinds is not None:
        values["kinds"] = _known(kinds)
    if values:
        session.execute(update(Webhook).where(Webhook.id == webhook_id).values(values))
    return get(session, forum_id, webhook_id)


def rotate_secret(session: Session, forum_id: int, webhook_id: int) -> WebhookRow:
    """Give a webhook a new secret, which signs from the next attempt on.

    For a day the old one signs as well, so that the receiver can change to the new one. Raises
    `NotFoundError`.
    """
    row = get(session, forum_id, webhook_id)
    values = {
        "secret": _new_secret(),
        "old_secret": row.secret,
        "old_secret_until": func.clock_timestamp() + OLD_SECRET_SIGNS,
    }
    session.execute(update(Webhook).where(Webhook.id == webhook_id).values(values))
    return get(session, forum_id, webhook_id)


def _row(webhook: Webhook) -> WebhookRow:
    return WebhookRow(**{name: getattr(webhook, name) for name in WebhookRow.__dataclass_fields__})


def get(session: Session, forum_id: int, webhook_id: int) -> WebhookRow:
    """Return a webhook; raises `NotFoundError`."""
    found = session.execute(
        select(Webhook)
        .where(Webhook.id == webhook_id, Webhook.forum_id == forum_id)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise NotFoundError(f"there is no webhook {webhook_id} in this forum")
    return _row(found)


def list_webhooks(session: Session, forum_id: int) -> list[WebhookRow]:
    """Return a forum's webhooks, oldest first."""
    found = session.execute(
        select(Webhook).where(Webhook.forum_id == forum_id).order_by(Webhook.id)
    ).scalars()
    return [_row(webhook) for webhook in found]


def remove(session: Session, forum_id: int, webhook_id: int) -> None:
    """Delete a webhook with its log; raises `NotFoundError`."""
    get(session, forum_id, webhook_id)
    session.execute(delete(Webhook).where(Webhook.id == webhook_id))


def enable(session: Session, forum_id: int, webhook_id: int) -> None:
    """Switch a webhook on again; raises `NotFoundError`."""
    get(session, forum_id, webhook_id)
    values = {"disabled_at": None, "notice": None, "failures": 0}
    session.execute(update(Webhook).where(Webhook.id == webhook_id).values(values))


def storable(told: str) -> str:
    """Return an error as a text that the database can store."""
    # It has the receiver's name and answer: no character in them may make the write fail.
    return told.encode(errors="replace").decode().replace("\0", "\ufffd")[:300]


def rest(session: Session, webhook_id: int, *, seconds: int) -> None:
    """Send nothing to a webhook for a while, as its receiver asked; for a day at most."""
    until = func.clock_timestamp() + min(timedelta(seconds=seconds), LONGEST_REST)
    session.execute(update(Webhook).where(Webhook.id == webhook_id).values(rests_until=until))


def disable(session: Session, webhook_id: int, *, notice: str) -> None:
    """Switch a webhook off and give up its waiting deliveries."""
    now = func.clock_timestamp()
    session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(disabled_at=now, notice=storable(notice))
    )
    session.execute(
        update(Delivery)
        .where(
            Delivery.webhook_id == webhook_id,
            Delivery.delivered_at.is_(None),
            Delivery.given_up_at.is_(None),
        )
        .values(given_up_at=now)
    )
