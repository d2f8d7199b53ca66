"""Queries on deliveries: an event's way to one webhook, its attempts, and the log of both."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session, aliased

from db.errors import NotFoundError, TooManyError
from db.outbox.webhooks import WebhookOffError, disable, get, storable
from db.tables.actions import Action
from db.tables.pairs import Event, Pair
from db.tables.questions import Question
from db.tables.review import Delivery, Group, Webhook
from db.wording import counted

TEST = "test"
TESTS_A_MINUTE = 5
GIVEN_UP_LIMIT = 3
"""Deliveries given up on in a row after which a webhook is switched off."""
_LEASE = timedelta(minutes=2)


class TooManyTestsError(TooManyError):
    """This webhook has been tested a few times within the last minute."""

    def __init__(self) -> None:
        super().__init__(
            f"a webhook can be tested {TESTS_A_MINUTE} times a minute; try again in a minute",
            retry_after_s=60,
        )


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
    forum_id: int
    url: str
    secrets: Sequence[str]
    """The secrets that sign it: the webhook's own, and for a day after a rotation the old one."""
    kind: str
    attempts: int
    happened_at: datetime
    data: Mapping[str, object]


def send_test(session: Session, forum_id: int, webhook_id: int) -> DeliveryRow:
    """Store a test event for delivery; raises `NotFoundError` and `TooManyTestsError`."""
    get(session, forum_id, webhook_id)
    session.execute(select(Webhook.id).where(Webhook.id == webhook_id).with_for_update())
    minute_ago = func.clock_timestamp() - timedelta(minutes=1)
    lately = session.execute(
        select(func.count())
        .select_from(Delivery)
        .where(
            Delivery.webhook_id == webhook_id,
            Delivery.kind == TEST,
            Delivery.created_at > minute_ago,
        )
    ).scalar_one()
    if lately >= TESTS_A_MINUTE:
        raise TooManyTestsError
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """How many deliveries are being made for each webhook and each forum, and how many may be."""

    webhooks: Mapping[int, int] = field(default_factory=dict)
    forums: Mapping[int, int] = field(default_factory=dict)
    per_webhook: int = 2
    per_forum: int = 4


def claim_due(session: Session, *, limit: int, busy: Busy) -> list[Due]:
    """Claim deliveries that are due; they become due again if no result is recorded.

    Each forum's first one comes before any forum's second, so that no forum waits for another's
    backlog.
    """
    candidates = session.execute(_DUE, {"each": busy.per_webhook}).all()
    ids = [row.id for row in _fair(candidates, busy)][:limit]
    if not ids:
        return []
    ids = list(
        session.execute(
            select(Delivery.id)
            .where(Delivery.id.in_(ids), Delivery.due_at <= func.clock_timestamp())
            .with_for_update(skip_locked=True)
        ).scalars()
    )
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


_DUE = text("""
    SELECT d.id, w.id AS webhook_id, w.forum_id
    FROM webhooks w CROSS JOIN LATERAL (
        SELECT id, due_at FROM webhook_deliveries
        WHERE webhook_id = w.id AND delivered_at IS NULL AND given_up_at IS NULL
          AND due_at <= clock_timestamp()
          AND (w.disabled_at IS NULL AND coalesce(w.rests_until <= clock_timestamp(), true)
               OR kind = 'test')
        ORDER BY due_at LIMIT :each
    ) d ORDER BY d.due_at
""")


def _fair(candidates: Sequence[Any], busy: Busy) -> list[Any]:
    """Return the deliveries to make now: the first of each forum, then the second of each."""
    hooks, forums = Counter(busy.webhooks), Counter(busy.forums)
    ranked: list[tuple[int, int, Any]] = []
    for place, row in enumerate(candidates):
        if hooks[row.webhook_id] < busy.per_webhook and forums[row.forum_id] < busy.per_forum:
            ranked.append((forums[row.forum_id], place, row))
            hooks[row.webhook_id] += 1
            forums[row.forum_id] += 1
    return [row for *_, row in sorted(ranked, key=lambda one: one[:2])]


def _secrets(webhook: Webhook) -> list[str]:
    until = webhook.old_secret_until
    if webhook.old_secret is None or until is None or until < datetime.now(UTC):
        return [webhook.secret]
    return [webhook.secret, webhook.old_secret]


def _due(session: Session, delivery: Delivery, webhook: Webhook, event: Event | None) -> Due:
    return Due(
        id=delivery.id,
        webhook_id=webhook.id,
        forum_id=webhook.forum_id,
        url=webhook.url,
        secrets=_secrets(webhook),
        kind=delivery.kind,
        attempts=delivery.attempts,
        happened_at=event.created_at if event is not None else delivery.created_at,
        data=_data(session, event),
    )


def _data(session: Session, event: Event | None) -> dict[str, object]:
    if event is None:
        return {}
    if event.kind == "action.due":
        return _action_data(session, event.data.get("action_id"))
    if event.kind in {"group.rising", "question.checked"}:
        return _question_data(session, event)
    known: dict[str, object] = {"by": event.actor}
    if event.kind == "archive.done":
        return known | event.data
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


def _action_data(session: Session, action_id: object) -> dict[str, object]:
    question, canonical = aliased(Question), aliased(Question)
    found = session.execute(
        select(
            Action,
            question.external_id.label("question_id"),
            question.url.label("question_url"),
            canonical.external_id.label("canonical_id"),
            canonical.url.label("canonical_url"),
        )
        .join(question, question.id == Action.question_id)
        .outerjoin(canonical, canonical.id == Action.canonical_id)
        .where(Action.id == action_id)
    ).one_or_none()
    if found is None:
        return {"id": str(action_id), "state": "erased"}
    row: Action = found.Action
    names = ("question_id", "question_url", "canonical_id", "canonical_url")
    return {
        "id": str(row.id),
        "kind": row.kind,
        **{name: getattr(found, name) for name in names},
        "pair_id": str(row.pair_id) if row.pair_id is not None else None,
        "reason": row.reason,
        "due_at": row.due_at.isoformat(),
        "state": row.state,
        "objection_path": objection_path(row.token),
    }


def _question_data(session: Session, event: Event) -> dict[str, object]:
    found = session.execute(
        select(Question.external_id, Question.url, Question.checked_at).where(
            Question.id == event.question_id
        )
    ).one_or_none()
    if found is None:
        return {"question": None, "status": "erased"}
    checked = found.checked_at.isoformat() if found.checked_at is not None else None
    named = {"question": found.external_id, "url": found.url}
    return {**named, "checked_at": checked, **event.data}


def objection_path(token: str) -> str:
    """Return the path, below the service's address, on which an asker objects to an action."""
    return f"/objections/{token}"


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
    values: dict[str, object] = {"answer": answer, "error": storable(error)}
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
        failed = counted(failures, "delivery", "deliveries")
        notice = f"switched off: {failed} in a row failed; the last error: {error}"
        disable(session, due.webhook_id, notice=notice)


def forget_old(session: Session, *, days: int, limit: int) -> int:
    """Delete up to *limit* lines of the log that are older than *days*; return how many."""
    old = (
        select(Delivery.id)
        .where(Delivery.created_at < func.now() - timedelta(days=days))
        .order_by(Delivery.id)
        .limit(limit)
    )
    gone = session.execute(
        delete(Delivery).where(Delivery.id.in_(old.scalar_subquery())).returning(Delivery.id)
    )
    return len(gone.all())
