"""A forum's webhooks: adding, changing, testing, and the log of deliveries."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr
from starlette.concurrency import run_in_threadpool

from api.deps import AdminForum, AllServices, Sessions, only_json
from api.http.look_up import callable_url
from api.http.openapi import conflict
from api.http.texts import CheckedRoute
from db.engine import Sessions as SessionFactory
from db.outbox import deliveries, webhooks
from db.outbox.deliveries import DeliveryRow
from db.outbox.webhooks import WebhookRow
from db.tenants.rows import ForumRow
from worker.delivery.addresses import URL_LENGTH

_ID = r"^[1-9]\d{0,17}$"

router = APIRouter(
    prefix="/v1/forums/{forum}/webhooks", tags=["webhooks"], route_class=CheckedRoute
)

_Id = Annotated[str, Path(pattern=_ID)]
_DeliveryId = Annotated[str, Path(pattern=_ID)]
_Url = Annotated[
    StrictStr,
    Field(
        min_length=1,
        max_length=URL_LENGTH,
        description="https, outside the service's own network",
        examples=["https://forum.example/askedbefore"],
    ),
]
_Kind = Literal[
    "pair.flagged",
    "pair.decided",
    "pair.undone",
    "group.changed",
    "action.due",
    "group.rising",
    "question.checked",
    "archive.done",
]
_Kinds = Annotated[
    list[_Kind], Field(min_length=1, description="Kinds of events that are sent to it")
]
_OFF = conflict("The webhook is switched off")


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class WebhookIn(_In):
    """An address of the forum's backend and the kinds of events that it receives."""

    url: _Url
    kinds: _Kinds


class WebhookChangeIn(_In):
    """Fields to change; fields that are not named stay."""

    url: _Url | None = None
    kinds: _Kinds | None = None
    enabled: StrictBool | None = Field(
        default=None, description="`false` switches it off; events not yet delivered are given up"
    )


class WebhookOut(_Out):
    """A webhook, without its secret."""

    id: str
    url: str
    kinds: list[str]
    enabled: bool
    notice: str | None = Field(description="Why it was switched off")
    created_at: datetime

    @classmethod
    def of(cls, row: WebhookRow, **more: str) -> Self:
        """Return a stored webhook as the API shows it."""
        return cls(
            id=str(row.id),
            url=row.url,
            kinds=list(row.kinds),
            enabled=row.disabled_at is None,
            notice=row.notice,
            created_at=row.created_at,
            **more,
        )


class NewWebhookOut(WebhookOut):
    """A webhook with the secret for checking its signatures, shown only in this answer."""

    secret: str


class WebhooksOut(_Out):
    """A forum's webhooks, oldest first."""

    webhooks: list[WebhookOut]


class DeliveryOut(_Out):
    """A line of the delivery log."""

    id: str
    kind: str
    state: Literal["waiting", "delivered", "given_up"]
    attempts: int
    answer: int | None = Field(description="Status of the receiver's last answer")
    error: str | None
    due_at: datetime = Field(description="When it is sent next, while it waits")
    delivered_at: datetime | None
    given_up_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: DeliveryRow) -> Self:
        """Return a stored delivery as the API shows it."""
        names = set(cls.model_fields) - {"id", "state"}
        values = {name: getattr(row, name) for name in names}
        return cls(id=str(row.id), state=_state(row), **values)


class DeliveriesOut(_Out):
    """A page of the log, and the cursor of the next page."""

    deliveries: list[DeliveryOut]
    next_cursor: str | None


def _state(row: DeliveryRow) -> Literal["waiting", "delivered", "given_up"]:
    if row.delivered_at is not None:
        return "delivered"
    return "given_up" if row.given_up_at is not None else "waiting"


@router.get("")
def list_webhooks(forum: AdminForum, sessions: Sessions) -> WebhooksOut:
    """Return the forum's webhooks."""
    with sessions.begin() as session:
        found = webhooks.list_webhooks(session, forum.id)
    return WebhooksOut(webhooks=[WebhookOut.of(row) for row in found])


@router.post("", status_code=HTTPStatus.CREATED, dependencies=[Depends(only_json)])
async def create_webhook(
    forum: AdminForum, services: AllServices, body: WebhookIn
) -> NewWebhookOut:
    """Add a webhook, up to ten; its secret is in this answer and in no other."""
    url = await callable_url(body.url, services.look_ups)
    return await run_in_threadpool(_create, services.sessions, forum, body, url)


def _create(sessions: SessionFactory, forum: ForumRow, body: WebhookIn, url: str) -> NewWebhookOut:
    with sessions.begin() as session:
        row = webhooks.create(session, forum.id, url=url, kinds=body.kinds)
    return NewWebhookOut.of(row, secret=row.secret)


@router.get("/{webhook_id}")
def get_webhook(forum: AdminForum, sessions: Sessions, webhook_id: _Id) -> WebhookOut:
    """Return a webhook."""
    with sessions.begin() as session:
        return WebhookOut.of(webhooks.get(session, forum.id, int(webhook_id)))


@router.patch("/{webhook_id}", dependencies=[Depends(only_json)])
async def change_webhook(
    forum: AdminForum, services: AllServices, webhook_id: _Id, body: WebhookChangeIn
) -> WebhookOut:
    """Change a webhook's address or kinds; switch it off or on."""
    url = await callable_url(body.url, services.look_ups) if body.url is not None else None
    return await run_in_threadpool(_change, services.sessions, forum, int(webhook_id), body, url)


def _change(
    sessions: SessionFactory,
    forum: ForumRow,
    webhook_id: int,
    body: WebhookChangeIn,
    url: str | None,
) -> WebhookOut:
    with sessions.begin() as session:
        row = webhooks.change(session, forum.id, webhook_id, url=url, kinds=body.kinds)
        if body.enabled is True:
            webhooks.enable(session, forum.id, row.id)
        elif body.enabled is False and row.disabled_at is None:
            webhooks.disable(session, row.id, notice="switched off by the forum")
        return WebhookOut.of(webhooks.get(session, forum.id, row.id))


@router.delete("/{webhook_id}", status_code=HTTPStatus.NO_CONTENT)
def delete_webhook(forum: AdminForum, sessions: Sessions, webhook_id: _Id) -> None:
    """Remove a webhook with its log."""
    with sessions.begin() as session:
        webhooks.remove(session, forum.id, int(webhook_id))


@router.post("/{webhook_id}/secret")
def rotate_webhook_secret(forum: AdminForum, sessions: Sessions, webhook_id: _Id) -> NewWebhookOut:
    """Replace the secret; the new one, in this answer alone, signs from the next attempt on.

    For a day the one before signs as well: `webhook-signature` then holds both.
    """
    with sessions.begin() as session:
        row = webhooks.rotate_secret(session, forum.id, int(webhook_id))
    return NewWebhookOut.of(row, secret=row.secret)


@router.post("/{webhook_id}/test", status_code=HTTPStatus.ACCEPTED)
def send_webhook_test(forum: AdminForum, sessions: Sessions, webhook_id: _Id) -> DeliveryOut:
    """Send a test event, also to a webhook that is switched off; the log shows the result."""
    with sessions.begin() as session:
        return DeliveryOut.of(deliveries.send_test(session, forum.id, int(webhook_id)))


@router.get("/{webhook_id}/deliveries")
def list_webhook_deliveries(
    forum: AdminForum,
    sessions: Sessions,
    webhook_id: _Id,
    cursor: Annotated[
        str | None, Query(pattern=_ID, description="`next_cursor` of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeliveriesOut:
    """Return the log of a webhook's deliveries, the latest first; it is kept for thirty days."""
    before = int(cursor) if cursor is not None else None
    with sessions.begin() as session:
        hook = webhooks.get(session, forum.id, int(webhook_id))
        # One row more than asked for shows whether there is a next page.
        found = deliveries.log(session, hook.id, before=before, limit=limit + 1)
    page = found[:limit]
    return DeliveriesOut(
        deliveries=[DeliveryOut.of(row) for row in page],
        next_cursor=str(page[-1].id) if len(found) > limit else None,
    )


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/retry",
    status_code=HTTPStatus.ACCEPTED,
    responses=_OFF,
)
def retry_webhook_delivery(
    forum: AdminForum, sessions: Sessions, webhook_id: _Id, delivery_id: _DeliveryId
) -> DeliveryOut:
    """Send a delivery again, even one that arrived; it keeps its `webhook-id`."""
    with sessions.begin() as session:
        row = deliveries.retry(session, forum.id, int(webhook_id), int(delivery_id))
    return DeliveryOut.of(row)
