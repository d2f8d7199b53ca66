"""Queries on webhooks: which events they receive, and deliveries not yet made.

A trigger on `events` writes the deliveries in the event's own transaction. So no delivery is lost,
none reports what was rolled back, and code that records events need not know of webhooks.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from db.errors import ConflictError, InvalidInputError, NotFoundError
from db.tables.pairs import Event, Pair
from db.tables.questions import Question
from db.tables.review import Delivery, Group, Webhook

KINDS = ("pair.flagged", "pair.decided", "pair.undone", "group.changed")
TEST = "test"
GIVEN_UP_LIMIT = 3
"""Deliveries given up on in a row after which a webhook is switched off."""
LIMIT = 10
"""Webhooks of a forum at most."""
_LEASE = timedelta(minutes=2)
_KEPT = timedelta(days=30)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A line of the delivery log."""

    id: int
    kind: str
    attempts: int
    answer: int | None
    error: str | None
    due_at: datetime
    delivered_at: datetime | None
    given_up_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery to be made now."""

    id: int
    webhook_id: int
    url: str
    secret: str
    kind: str
    attempts: int
    happened_at: datetime
    data: Mapping[str, object]


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

    Raises `NotFoundError`.
    """
    get(session, forum_id, webhook_id)
    values = {"secret": _new_secret()}
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


def send_test(session: Session, forum_id: int, webhook_id: int) -> DeliveryRow:
    """Store a test delivery; raises `NotFoundError`."""
    get(session, forum_id, webhook_id)
    session.execute(insert(Delivery).values(webhook_id=webhook_id, kind=TEST))
    return log(session, webhook_id, limit=1)[0]


def log(
    session: Session, webhook_id: int, *, before: int | None = None, limit: int = 20
) -> list[DeliveryRow]:
    """Return the latest deliveries of a webhook, those older than the delivery *before*."""
    statement = (
        select(*(getattr(Delivery, name) for name in DeliveryRow.__dataclass_fields__))
        .where(Delivery.webhook_id == webhook_id)
        .order_by(Delivery.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Delivery.id < before)
    return [DeliveryRow(**row) for row in session.execute(statement).mappings()]


def retry(session: Session, forum_id: int, webhook_id: int, delivery_id: int) -> DeliveryRow:
    """Make a delivery again from the first attempt on, even one that arrived.

    Raises `NotFoundError`, and `WebhookOffError` if the webhook is switched off.
    """
    hook = get(session, forum_id, webhook_id)
    values = {
        "attempts": 0,
        "due_at": func.clock_timestamp(),
        "answer": None,
        "error": None,
        "delivered_at": None,
        "given_up_at": None,
    }
    changed = session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
        .values(values)
        .returning(Delivery.kind)
    ).scalar_one_or_none()
    if changed is None:
        raise NotFoundError(f"there is no delivery {delivery_id} of this webhook in the log")
    if hook.disabled_at is not None and changed != TEST:
        raise WebhookOffError
    return log(session, webhook_id, before=delivery_id + 1, limit=1)[0]


def claim_due(session: Session, *, limit: int) -> list[Due]:
    """Claim deliveries that are due; they become due again if no result is recorded."""
    waiting = (
        select(Delivery.id)
        .join(Webhook, Webhook.id == Delivery.webhook_id)
        .where(
            Delivery.delivered_at.is_(None),
            Delivery.given_up_at.is_(None),
            Delivery.due_at <= func.clock_timestamp(),
            or_(Webhook.disabled_at.is_(None), Delivery.kind == TEST),
        )
        .order_by(Delivery.due_at)
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )
    ids = list(session.execute(waiting).scalars())
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ids))
        .values(due_at=func.clock_timestamp() + _LEASE, attempts=Delivery.attempts + 1)
    )
    found = session.execute(
        select(Delivery, Webhook, Event)
        .join(Webhook, Webhook.id == Delivery.webhook_id)
        .outerjoin(Event, Event.id == Delivery.event_id)
        .where(Delivery.id.in_(ids))
        .order_by(Delivery.id)
        .execution_options(populate_existing=True)
    ).all()
    return [_due(session, row.Delivery, row.Webhook, row.Event) for row in found]


def _due(session: Session, delivery: Delivery, webhook: Webhook, event: Event | None) -> Due:
    return Due(
        id=delivery.id,
        webhook_id=webhook.id,
        url=webhook.url,
        secret=webhook.secret,
        kind=delivery.kind,
        attempts=delivery.attempts,
        happened_at=event.created_at if event is not None else delivery.created_at,
        data=_data(session, event),
    )


def _data(session: Session, event: Event | None) -> dict[str, object]:
    if event is None:
        return {}
    known: dict[str, object] = {"by": event.actor}
    if event.pair_id is not None:
        return known | _pair_data(session, event.pair_id)
    return known | _group_data(session, event.data)


def _pair_data(session: Session, pair_id: int) -> dict[str, object]:
    # The present state of the pair: a late delivery must not report an old state.
    low, high = aliased(Question), aliased(Question)
    found = session.execute(
        select(
            Pair.status,
            Pair.score,
            Pair.version,
            Pair.canonical_id,
            Pair.low_id,
            low.external_id.label("low"),
            high.external_id.label("high"),
        )
        .join(low, low.id == Pair.low_id)
        .join(high, high.id == Pair.high_id)
        .where(Pair.id == pair_id)
    ).one_or_none()
    if found is None:
        return {"pair_id": str(pair_id), "status": "erased"}
    canonical = None
    if found.canonical_id is not None:
        canonical = found.low if found.canonical_id == found.low_id else found.high
    return {
        "pair_id": str(pair_id),
        "questions": [found.low, found.high],
        "status": found.status,
        "version": found.version,
        "score": round(found.score, 4),
        "canonical": canonical,
    }


def _group_data(session: Session, data: Mapping[str, object]) -> dict[str, object]:
    listed = data.get("questions")
    ids = listed if isinstance(listed, list) else []
    names = session.execute(
        select(Question.id, Question.external_id).where(Question.id.in_(ids)).order_by(Question.id)
    ).all()
    canonical_id = session.execute(
        select(Group.canonical_id).where(Group.id == data.get("group_id"))
    ).scalar_one_or_none()
    return {
        "group_id": str(data.get("group_id")),
        "questions": [row.external_id for row in names],
        "canonical": next((row.external_id for row in names if row.id == canonical_id), None),
    }


def record_success(session: Session, due: Due, *, answer: int) -> None:
    """Record that a delivery arrived."""
    values = {"delivered_at": func.clock_timestamp(), "answer": answer, "error": None}
    session.execute(update(Delivery).where(Delivery.id == due.id).values(values))
    session.execute(update(Webhook).where(Webhook.id == due.webhook_id).values(failures=0))


def record_failure(
    session: Session, due: Due, *, answer: int | None, error: str, retry_in: timedelta | None
) -> None:
    """Record that a delivery failed, and when to try again; None gives it up.

    After `GIVEN_UP_LIMIT` in a row the webhook is switched off with a notice.
    """
    now = func.clock_timestamp()
    values: dict[str, object] = {"answer": answer, "error": error[:300]}
    values |= {"due_at": now + retry_in} if retry_in is not None else {"given_up_at": now}
    session.execute(update(Delivery).where(Delivery.id == due.id).values(values))
    if retry_in is not None or due.kind == TEST:
        return
    failures = session.execute(
        update(Webhook)
        .where(Webhook.id == due.webhook_id)
        .values(failures=Webhook.failures + 1)
        .returning(Webhook.failures)
    ).scalar_one_or_none()
    if failures is not None and failures >= GIVEN_UP_LIMIT:
        disable(
            session, due.webhook_id, notice=f"switched off: {failures} in a row failed, {error}"
        )


def disable(session: Session, webhook_id: int, *, notice: str) -> None:
    """Switch a webhook off and give up its waiting deliveries."""
    now = func.clock_timestamp()
    session.execute(
        update(Webhook).where(Webhook.id == webhook_id).values(disabled_at=now, notice=notice[:300])
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


def forget_old(session: Session) -> None:
    """Delete lines of the log that are a month old."""
    session.execute(delete(Delivery).where(Delivery.created_at < func.now() - _KEPT))
