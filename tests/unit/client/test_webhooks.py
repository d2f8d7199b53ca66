"""Verifying webhooks: what the service signs is taken, everything else is refused."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from askedbefore_client import SignatureError, Webhook
from standardwebhooks.webhooks import Webhook as Standard

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BODY = json.dumps({"type": "action.due", "timestamp": "2026-01-01T00:00:00Z", "data": {"id": "7"}})


def headers(secret: str = SECRET, *, body: str = BODY, sent: datetime = NOW) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(sent.timestamp())),
        "Webhook-Signature": Standard(secret).sign("msg_1", sent, body),
    }


def test_an_event_of_the_service_is_returned() -> None:
    event = Webhook(SECRET).verify(BODY.encode(), headers(), now=NOW)

    assert (event.id, event.type, event.data) == ("msg_1", "action.due", {"id": "7"})


def test_one_of_two_signatures_is_enough() -> None:
    given = headers(OTHER)
    given["Webhook-Signature"] += " " + headers()["Webhook-Signature"]

    assert Webhook(SECRET).verify(BODY, given, now=NOW).type == "action.due"


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (headers(OTHER), BODY),
        (headers(), BODY + " "),
        (headers(sent=NOW - timedelta(minutes=6)), BODY),
        (headers(sent=NOW + timedelta(minutes=6)), BODY),
        ({**headers(), "Webhook-Id": "msg_2"}, BODY),
        ({**headers(), "Webhook-Timestamp": "now"}, BODY),
        ({**headers(), "Webhook-Signature": "v2,abc é v1"}, BODY),
        ({}, BODY),
        (headers(body="[1]"), "[1]"),
        (headers(body="no json"), "no json"),
    ],
)
def test_everything_else_is_refused(given: dict[str, str], body: str) -> None:
    with pytest.raises(SignatureError):
        Webhook(SECRET).verify(body, given, now=NOW)


def test_a_secret_that_is_none_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        Webhook("whsec_not base64!")
