"""What a delivery says, how it is signed, and how long a receiver is left alone."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from db.outbox.deliveries import Due
from worker.delivery.webhooks import RETRIES, message, rest_s, retry_after, signed

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
SECRETS = ("whsec_" + "YWJj" * 8, "whsec_" + "eHl6" * 8)
DATA = st.dictionaries(
    st.text(max_size=5),
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=20),
    max_size=4,
)
DATES = st.lists(
    st.sampled_from(
        ["Thu,", "26", "Nov", "2026", "08:00:30", "GMT", "+0000", "-9999", "99:99", ",", "8.0", "0"]
    ),
    max_size=8,
).map(" ".join)


def due(data: dict[str, object] | None = None, *, secrets: tuple[str, ...] = SECRETS[:1]) -> Due:
    return Due(
        id=7,
        webhook_id=1,
        forum_id=1,
        url="https://forum.example/hook",
        secrets=secrets,
        kind="pair.flagged",
        attempts=1,
        happened_at=NOW,
        data=data or {},
    )


@given(DATA)
def test_a_message_says_what_happened_when_and_nothing_else(data: dict[str, object]) -> None:
    said = json.loads(message(due(data)))

    assert said == {"type": "pair.flagged", "timestamp": "2026-11-26T08:00:00+00:00", "data": data}


@given(DATA)
def test_a_message_can_be_sent_as_bytes_whatever_it_quotes(data: dict[str, object]) -> None:
    assert message(due(data)).isascii()


@pytest.mark.parametrize("secrets", [SECRETS[:1], SECRETS])
def test_each_secret_verifies_the_message_and_no_other_does(secrets: tuple[str, ...]) -> None:
    sent = due({"pair_id": 3}, secrets=secrets)
    now = datetime.now(UTC)
    body = message(sent)

    headers = signed(sent, body, now)

    for secret in secrets:
        assert Webhook(secret).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "MTIz" * 8).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(f"{body} ", headers)


def test_the_headers_name_the_delivery_and_the_second_of_its_attempt() -> None:
    headers = signed(due(), "{}", NOW + timedelta(milliseconds=900))

    assert headers["webhook-id"] == "msg_7"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert headers["Content-Type"] == "application/json"


def test_the_same_attempt_is_signed_alike_and_a_later_one_is_not() -> None:
    first = signed(due(), "{}", NOW)

    assert signed(due(), "{}", NOW) == first
    assert signed(due(), "{}", NOW + timedelta(seconds=1)) != first


@pytest.mark.parametrize(
    ("attempts", "wait_s"), [(1, 5), (2, 60), (6, 8 * 3600), (7, None), (99, None)]
)
def test_each_attempt_waits_longer_and_the_last_gives_up(attempts: int, wait_s: int | None) -> None:
    expected = None if wait_s is None else timedelta(seconds=wait_s)

    assert retry_after(attempts) == expected
    assert len(RETRIES) == 6


@given(st.integers(0, 10**6), st.sampled_from([429, 503]))
def test_seconds_and_a_date_ask_for_the_same_rest(seconds: int, answer: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)

    assert rest_s(answer, str(seconds), now=NOW) == seconds
    assert rest_s(answer, date, now=NOW) == seconds


@given(st.text(max_size=30) | DATES, st.integers(100, 599))
def test_whatever_a_receiver_answers_the_rest_is_a_number_of_seconds(
    header: str, answer: int
) -> None:
    found = rest_s(answer, header, now=NOW)

    assert found >= 0
    assert not found or answer in {429, 503}


def test_a_date_without_a_zone_is_taken_as_utc() -> None:
    assert rest_s(429, "Thu, 26 Nov 2026 08:01:00 -0000", now=NOW) == 60
    assert rest_s(429, "Thu, 26 Nov 2026 09:01:00 +0100", now=NOW) == 60


@pytest.mark.parametrize("answer", [200, 301, 400, 404, 410, 500, 502, 504])
def test_other_answers_ask_for_no_rest(answer: int) -> None:
    assert rest_s(answer, "60", now=NOW) == 0


@pytest.mark.parametrize("header", ["\u0661\u0662", "\u00b2", "1.5", "1e3", "0x10", " "])
def test_what_only_looks_like_a_number_asks_for_no_rest(header: str) -> None:
    assert rest_s(429, header, now=NOW) == 0
