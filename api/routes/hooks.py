"""Messages of forums' own software. Their signature is their key.

A message with a wrong signature, one for a forum without a connector, and one for a forum that does
not exist are answered alike.
"""

import asyncio
import hashlib
import hmac
import json
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from api.deps import AllServices, Services
from api.http.errors import BrokenBodyError, UnauthenticatedError, UnfitValueError
from api.http.texts import CheckedRoute, fault_of
from db.connecting import connectors
from db.connecting.connectors import ConnectorKind, ConnectorRow
from db.errors import ForumNotFoundError
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from worker.connectors import shapes, taking
from worker.connectors.shapes import Change

router = APIRouter(
    prefix="/v1/forums/{forum}/hooks",
    include_in_schema=False,
    tags=["connector"],
    route_class=CheckedRoute,
)

_LOOKS, _LOOK_S = 10, 0.2
_SCHEME = "sha256="
_HEADERS = {
    ConnectorKind.DISCOURSE: ("x-discourse-event-signature",),
    ConnectorKind.GENERIC: ("x-signature-256", "x-hub-signature-256"),
}


class WrongSignatureError(UnauthenticatedError):
    """The message is not signed with the secret of this forum's connector."""


@router.post("/{kind}")
async def take_message(
    forum: str, kind: ConnectorKind, services: AllServices, request: Request
) -> Response:
    """Take a message of the forum's software; the same message again changes nothing."""
    body = await request.body()
    row, connector = await run_in_threadpool(_connector, services, forum, kind)
    _refuse_unsigned(request, body, connector)
    change = _change(connector, request.headers, _message(body))
    if change is not None:
        await _take_soon(services, row, change)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _connector(services: Services, name: str, kind: ConnectorKind) -> tuple[ForumRow, ConnectorRow]:
    with services.sessions.begin() as session:
        try:
            forum = forums.get_forum(session, name)
        except ForumNotFoundError as error:
            raise WrongSignatureError from error
        found = connectors.find(session, forum.id)
    if found is None or found.kind is not kind:
        raise WrongSignatureError
    return forum, found


def _refuse_unsigned(request: Request, body: bytes, connector: ConnectorRow) -> None:
    expected = hmac.new(connector.secret.encode(), body, hashlib.sha256).hexdigest()
    sent = [request.headers.get(name, "") for name in _HEADERS[connector.kind]]
    if not any(
        one.startswith(_SCHEME)
        and hmac.compare_digest(one.removeprefix(_SCHEME).encode(), expected.encode())
        for one in sent
    ):
        raise WrongSignatureError


def _message(body: bytes) -> Any:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BrokenBodyError from error
    fault = fault_of(message)
    if fault is not None:
        raise UnfitValueError(fault.detail, errors=[])
    return message


async def _take_soon(services: Services, forum: ForumRow, change: Change) -> None:
    """Take a change; one that adds to a question waits a moment for the message that brings it."""
    for _ in range(_LOOKS):
        is_taken = await run_in_threadpool(_take, services, forum, change)
        if is_taken or not change.is_part:
            return
        await asyncio.sleep(_LOOK_S)


def _take(services: Services, forum: ForumRow, change: Change) -> bool:
    with services.sessions.begin() as session:
        saved = taking.take(session, forum, change, lane=Lane.LIVE)
    if saved is None:
        return False
    services.metrics.questions.labels(saved.outcome).inc()
    if saved.owes_work:
        services.queue.wake(Lane.LIVE)
    return True


def _change(connector: ConnectorRow, headers: Headers, message: Any) -> Change | None:
    if connector.kind is ConnectorKind.GENERIC:
        return shapes.of_any(message, connector.paths)
    event = headers.get("x-discourse-event", "")
    change = shapes.of_discourse(
        event, message, base_url=connector.url, categories=connector.categories
    )
    number = headers.get("x-discourse-event-id", "")
    if change is None or not (number.isascii() and number.isdigit()):
        return change
    # Its events are numbered: one that is sent again later does not bring an old text back.
    return replace(change, fields={**change.fields, "version": int(number[:15])})
