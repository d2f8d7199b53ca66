"""The command line's own client: pages are followed, and refusals are said."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cli.client import Client
from db.errors import ServiceError

Handler = Callable[[httpx2.Request], httpx2.Response]


def client(handler: Handler) -> Client:
    made = Client("http://service.example", "ab_key")
    made._http.close()  # noqa: SLF001  # the only seam: it makes its connection itself
    made._http = httpx2.Client(  # noqa: SLF001  # as above
        base_url="http://service.example", transport=httpx2.MockTransport(handler)
    )
    return made


def answering(status: int, found: Any) -> Client:
    return client(lambda _: httpx2.Response(status, json=found))


def away(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused")


def test_every_page_of_pairs_is_read() -> None:
    asked: list[dict[str, str]] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(dict(request.url.params))
        number = len(asked)
        found = {"pairs": [{"id": number}], "next_cursor": f"c{number}" if number < 3 else None}
        return httpx2.Response(200, json=found)

    with client(handle) as to:
        assert [pair["id"] for pair in to.pairs("cooks")] == [1, 2, 3]

    assert [one.get("cursor") for one in asked] == [None, "c1", "c2"]
    assert {one["status"] for one in asked} == {"flagged"}


def test_a_service_that_is_away_is_not_ready() -> None:
    with client(away) as to:
        assert not to.is_ready()
        assert to.what_is_missing() == "the API does not answer"


def test_what_is_missing_is_named_with_its_reason() -> None:
    checks = {
        "database": {"ok": True, "detail": "fine"},
        "queue": {"ok": False, "detail": "Redis is away"},
        "workers": {"ok": False, "detail": "none"},
    }
    with answering(503, {"checks": checks}) as to:
        assert not to.is_ready()
        assert to.what_is_missing() == "queue: Redis is away; workers: none"
    with answering(200, {"checks": {"queue": {"ok": True, "detail": ""}}}) as to:
        assert to.is_ready()
        assert to.what_is_missing() == "nothing"


def test_a_proxy_that_answers_in_its_place_is_said_to_be_one() -> None:
    with client(lambda _: httpx2.Response(502, text="<html>")) as to:
        assert not to.is_ready()
        assert "502" in to.what_is_missing()


@pytest.mark.parametrize(("status", "rejected"), [(422, 0), (200, 1)])
def test_a_refused_question_is_an_error(status: int, rejected: int) -> None:
    with answering(status, {"rejected": rejected}) as to, pytest.raises(ServiceError):
        to.submit("cooks", [{"id": "1", "title": "Egg?"}])


def test_a_file_is_sent_whole_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "old questions.csv"
    file.write_bytes(b"id,title\n" * 200_000)
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        request.read()
        seen.append(request)
        return httpx2.Response(202, content=json.dumps({"id": "7"}))

    with client(handle) as to:
        assert to.upload("cooks", file) == {"id": "7"}

    assert seen[0].url.params["name"] == "old questions.csv"
    assert seen[0].content == file.read_bytes()


def test_an_error_names_the_call_and_what_was_answered() -> None:
    with (
        client(lambda _: httpx2.Response(404, text="no such forum")) as to,
        pytest.raises(ServiceError, match=r"/v1/forums/cooks answered 404: no such forum"),
    ):
        to.count_pending("cooks")


ODD = [
    httpx2.Response(200, text="<html>Sign in</html>"),
    httpx2.Response(200, content=b""),
    httpx2.Response(200, content=b"\xff"),
    httpx2.Response(200, json=[]),
    httpx2.Response(200, json={}),
    httpx2.Response(302, text="", headers={"location": "/sign-in"}),
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("call", ["pairs", "count_pending", "submit", "upload"])
def test_another_server_in_its_place_is_an_error_in_a_sentence(
    odd: httpx2.Response, call: str, tmp_path: Path
) -> None:
    (tmp_path / "old.csv").write_text("id,title\n")
    more: dict[str, list[Any]] = {"submit": [[]], "upload": [tmp_path / "old.csv"]}
    with (
        client(lambda _: odd) as to,
        pytest.raises(ServiceError, match="this is no answer of askedbefore"),
    ):
        getattr(to, call)("cooks", *more.get(call, []))


def test_a_service_that_is_away_is_an_error_in_a_sentence() -> None:
    with client(away) as to, pytest.raises(ServiceError, match="does not answer: refused"):
        to.pairs("cooks")
