import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api.http.heads import LONGEST_HEAD
from tests.servers.live_server import serving


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await PlainTextResponse(f"read {size}")(scope, receive, send)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with serving(_app) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        yield host, int(port)


def _answers(address: tuple[str, int], *parts: bytes) -> bytes:
    with socket.create_connection(address, timeout=60) as connection:
        for part in parts:
            connection.sendall(part)
        found = b""
        with suppress(ConnectionResetError):  # it closes before it has read all that was sent
            while part := connection.recv(65_536):
                found += part
    return found


def _request(length: int, *headers: bytes) -> bytes:
    lines = [b"PUT / HTTP/1.1", b"Host: here", b"Content-Length: %d" % length, *headers]
    return b"\r\n".join([*lines, b"", b""])


def test_a_request_whose_headers_do_not_end_is_refused(address: tuple[str, int]) -> None:
    filler = b"a" * (LONGEST_HEAD + 1)

    answer = _answers(address, b"PUT / HTTP/1.1\r\nHost: here\r\nX-Long: ", filler)

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_many_short_headers_are_refused_too(address: tuple[str, int]) -> None:
    filler = b"X-One: 1\r\n" * (LONGEST_HEAD // 10 + 10)

    answer = _answers(address, b"PUT / HTTP/1.1\r\nHost: here\r\n", filler)

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_long_address_is_refused(address: tuple[str, int]) -> None:
    answer = _answers(address, b"GET /", b"a" * (LONGEST_HEAD + 1))

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_body_may_be_longer_and_other_requests_may_follow(address: tuple[str, int]) -> None:
    body = b"b" * (3 * LONGEST_HEAD)

    answers = _answers(
        address,
        _request(len(body)) + body,
        _request(len(body), b"X-Other: 1"),
        body,
        _request(2, b"Connection: close") + b"cc",
    )

    assert answers.count(b"HTTP/1.1 200 ") == 3
    assert answers.endswith(b"read 2")


def test_two_lengths_of_one_body_are_refused(address: tuple[str, int]) -> None:
    answer = _answers(address, _request(5, b"Transfer-Encoding: chunked"), b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
