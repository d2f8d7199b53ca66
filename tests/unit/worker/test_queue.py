"""What is sent over Redis and read again, and how Redis is reached."""

import json
import ssl
import time

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from kombu import Connection
from kombu.exceptions import OperationalError

from db.errors import TransientError
from db.work.rows import Lane
from worker import queue
from worker.queue import (
    Broker,
    CheckAnswer,
    CheckedDuplicate,
    broker_tls,
    broker_url,
    make_redis,
    make_sender,
    send_answer,
    wake_key,
)

TEXT = st.text(max_size=20)
DUPLICATES = st.builds(
    CheckedDuplicate,
    id=TEXT,
    title=TEXT,
    url=st.none() | TEXT,
    score=st.floats(0, 1),
    cosine=st.none() | st.floats(-1, 1),
    kind=st.sampled_from(["model", "same_text"]),
    answers=st.none() | st.integers(0, 9),
    accepted=st.none() | st.booleans(),
)
ANSWERS = st.builds(
    CheckAnswer,
    duplicates=st.lists(DUPLICATES, max_size=3).map(tuple),
    threshold=st.floats(0, 1),
    bi_encoder=TEXT,
    reranker=TEXT,
    warnings=st.lists(TEXT, max_size=2),
)


class Client:
    """Redis, as far as an answer needs it."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    def pipeline(self) -> "Client":
        return self

    def rpush(self, key: str, value: str) -> None:
        self.done.append(("rpush", key, value))

    def expire(self, key: str, seconds: int) -> None:
        self.done.append(("expire", key, str(seconds)))

    def execute(self) -> None:
        self.done.append(("execute",))


def sent(answer: CheckAnswer | str) -> str:
    client = Client()
    send_answer(client, "reply", answer)  # type: ignore[arg-type]
    (_, key, value), *rest = client.done
    assert (key, rest) == ("reply", [("expire", "reply", "60"), ("execute",)])
    return value


@given(ANSWERS)
def test_an_answer_comes_as_it_was_sent(answer: CheckAnswer) -> None:
    assert queue._read_answer(sent(answer)) == answer  # noqa: SLF001
    assert queue._read_answer(sent(answer).encode()) == answer  # noqa: SLF001


def test_a_check_that_failed_says_why_and_may_be_tried_again() -> None:
    with pytest.raises(TransientError, match="the check failed: KeyError") as caught:
        queue._read_answer(sent("the check failed: KeyError"))  # noqa: SLF001

    assert caught.value.retry_after_s == 2


def test_each_lane_has_a_mark_of_its_own() -> None:
    assert len({wake_key(lane) for lane in Lane}) == len(Lane)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://h:6379/0", None),
        ("unix:///run/redis.sock", None),
        ("redis://h/0?ssl_cert_reqs=none", None),
        ("rediss://h:6379/0", {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}),
        (
            "rediss://h/0?ssl_cert_reqs=required",
            {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True},
        ),
        (
            "rediss://h/0?ssl_cert_reqs=optional",
            {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True},
        ),
        (
            "rediss://h/0?ssl_cert_reqs=CERT_NONE",
            {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False},
        ),
        (
            "rediss://h/0?ssl_ca_certs=/a/ca.pem&ssl_certfile=c&ssl_keyfile=k&timeout=3",
            {
                "ssl_cert_reqs": ssl.CERT_REQUIRED,
                "ssl_check_hostname": True,
                "ssl_ca_certs": "/a/ca.pem",
                "ssl_certfile": "c",
                "ssl_keyfile": "k",
            },
        ),
        (
            "rediss://h/0?ssl_cert_reqs=none&ssl_ca_certs=/a/ca%20b.pem",
            {
                "ssl_cert_reqs": ssl.CERT_NONE,
                "ssl_check_hostname": False,
                "ssl_ca_certs": "/a/ca b.pem",
            },
        ),
    ],
)
def test_a_certificate_is_verified_unless_the_address_says_otherwise(
    url: str, told: dict[str, object] | None
) -> None:
    assert broker_tls(url) == told


@pytest.mark.parametrize(
    ("url", "transport", "virtual_host"),
    [
        ("redis://:s%40cret@h:6380/2", "redis", "2"),
        ("rediss://h:6380/2", "rediss", "2"),
    ],
)
def test_kombu_reads_the_address_as_it_is_meant(
    url: str, transport: str, virtual_host: str
) -> None:
    read = Connection(broker_url(url))

    assert read.transport_cls == transport
    assert read.virtual_host == virtual_host


def test_a_sender_gives_up_at_once() -> None:
    app = make_sender("rediss://h:6380/2")

    assert app.conf.broker_transport_options["max_retries"] == 0
    assert app.conf.broker_transport_options["socket_timeout"] < 1
    assert app.conf.broker_use_ssl == broker_tls("rediss://h:6380/2")
    assert not app.conf.task_publish_retry


@pytest.mark.parametrize(("timeout_s", "connect_s"), [(0.4, 0.4), (30.0, 1.0)])
def test_nobody_waits_longer_for_a_connection_than_for_an_answer(
    timeout_s: float, connect_s: float
) -> None:
    options = make_redis("redis://h", timeout_s=timeout_s).connection_pool.connection_kwargs

    assert options["socket_timeout"] == timeout_s
    assert options["socket_connect_timeout"] == connect_s


@pytest.mark.parametrize(
    "error", [redis.ConnectionError(), redis.ReadOnlyError(), OperationalError(), OSError()]
)
def test_a_broker_that_did_not_answer_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    now, asked = [50.0], list[str]()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    broker = Broker("redis://nowhere.invalid")

    def fail(_: redis.Redis) -> str:
        asked.append("fail")
        raise error

    def answer(_: redis.Redis) -> str:
        asked.append("answer")
        return "yes"

    said = [broker.ask(fail, "no"), broker.ask(answer, "no")]
    now[0] += 3.1
    said.append(broker.ask(answer, "no"))

    assert said == ["no", "no", "yes"]
    assert asked == ["fail", "answer"]


def test_a_bug_in_a_question_is_not_taken_for_a_broker_that_is_away() -> None:
    broker = Broker("redis://nowhere.invalid")

    with pytest.raises(ZeroDivisionError):
        broker.ask(lambda _: 1 // 0, 7)
    assert broker.ask(lambda _: 8, 7) == 8


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (redis.ConnectionError("redis://:secret@h is away"), "ConnectionError"),
        (redis.AuthenticationError("invalid password secret"), "AuthenticationError"),
        (OSError("no"), "OSError"),
        (
            redis.ConnectionError(
                "Error 1: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:"
                " self-signed certificate (_ssl.c:992)."
            ),
            "its certificate is not verified: self-signed certificate; see ssl_ca_certs",
        ),
        (
            ssl.SSLError(
                "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch,"
                " certificate is not valid for 'redis'. (_ssl.c:992)"
            ),
            "certificate is not valid for 'redis'.; see",
        ),
    ],
)
def test_what_ails_the_broker_is_named_without_a_secret(error: Exception, said: str) -> None:
    reason = queue._reason(error)  # noqa: SLF001

    assert said in reason
    assert "secret" not in reason


def test_an_answer_without_duplicates_says_which_models_looked() -> None:
    answer = CheckAnswer(threshold=0.5, bi_encoder="a", reranker="b")

    assert json.loads(sent(answer)) == {
        "duplicates": [],
        "threshold": 0.5,
        "bi_encoder": "a",
        "reranker": "b",
        "warnings": [],
    }
