"""Checks that a webhook comes from the service (Standard Webhooks), without any dependency."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from askedbefore_client.errors import SignatureError

_PREFIX = "whsec_"
_TOLERANCE_S = 300
"""Largest difference of the clocks in seconds: five minutes, as the standard recommends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of the service. The same *id* may arrive twice."""

    id: str
    type: str
    timestamp: str
    data: Mapping[str, Any]


class Webhook:
    """Verifies the events of one webhook; *secret* is the text that starts with ``whsec_``."""

    def __init__(self, secret: str) -> None:
        try:
            self._key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error as error:
            raise ValueError(
                f"the secret of a webhook is {_PREFIX} and base64, but this is not: copy it again"
            ) from error

    def verify(
        self, body: bytes | str, headers: Mapping[str, str], *, now: datetime | None = None
    ) -> Event:
        """Return the event; raises `SignatureError`. *body* must be exactly the received bytes."""
        content = body.encode() if isinstance(body, str) else body
        given = {name.lower(): value for name, value in headers.items()}
        try:
            message_id, sent_at = given["webhook-id"], given["webhook-timestamp"]
            signatures = given["webhook-signature"]
        except KeyError as error:
            raise SignatureError(f"the header {error} is missing") from error
        _check_age(sent_at, now or datetime.now(UTC))
        self._check(f"{message_id}.{sent_at}.".encode() + content, signatures)
        return _event(message_id, content)

    def _check(self, content: bytes, signatures: str) -> None:
        wanted = base64.b64encode(hmac.new(self._key, content, hashlib.sha256).digest())
        for (
            one
        ) in signatures.split():  # while the secret is being replaced, there is one for each secret
            version, _, signature = one.partition(",")
            if version == "v1" and hmac.compare_digest(wanted, signature.encode()):
                return
        raise SignatureError("no signature was made with this secret for this body")


def _check_age(sent_at: str, now: datetime) -> None:
    if not (sent_at.isascii() and sent_at.isdigit()):
        raise SignatureError("webhook-timestamp is not a number of seconds")
    age_s = now.timestamp() - int(sent_at[:12])
    if abs(age_s) > _TOLERANCE_S:
        raise SignatureError(
            f"the message is {age_s:.0f} s old, and at most {_TOLERANCE_S} s are accepted"
        )


def _event(message_id: str, content: bytes) -> Event:
    try:
        raw = json.loads(content)
        return Event(id=message_id, type=raw["type"], timestamp=raw["timestamp"], data=raw["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise SignatureError("the body is not an event of askedbefore") from error
