"""The path of a proxy is taken off what comes and put before what goes; nothing else changes."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from api.http.under import UnderPath, here
from tests.servers.asgi import Inner, call, scope_of

PATHS = st.from_regex(r"(/[a-z]{0,6}){1,4}", fullmatch=True)


@pytest.mark.parametrize(
    ("came", "inside"),
    [
        ("/dup", "/"),
        ("/dup/", "/"),
        ("/dup/v1/forums", "/v1/forums"),
        ("/v1/forums", "/v1/forums"),
        ("/duplicates", "/duplicates"),
        ("/dup/dup/x", "/dup/x"),
        ("/v1/dup/x", "/v1/dup/x"),
    ],
)
def test_only_the_first_whole_step_is_the_proxys(came: str, inside: str) -> None:
    inner = Inner()

    call(UnderPath(inner, "/dup"), scope_of(came))

    assert inner.scopes[0]["path"] == inside


@given(PATHS)
def test_a_proxy_may_keep_the_path_or_remove_it(path: str) -> None:
    inner = Inner()
    app = UnderPath(inner, "/a/proxy")

    for came in (path, f"/a/proxy{path}"):
        call(app, {**scope_of(came), "raw_path": came.encode()})

    first, second = inner.scopes
    assert first["path"] == second["path"] == path
    assert first["raw_path"] == second["raw_path"] == path.encode()


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/console", "/dup/console"),
        ("/console?next=/console/x", "/dup/console?next=/console/x"),
        ("https://elsewhere.example/console", "https://elsewhere.example/console"),
        ("//elsewhere.example", "//elsewhere.example"),
        ("review", "review"),
    ],
)
def test_a_redirect_stays_under_the_path(target: str, shown: str) -> None:
    inner = Inner(status=303, headers={"Location": target})

    assert call(UnderPath(inner, "/dup"), scope_of()).headers["location"] == shown


def test_an_answer_without_a_redirect_gets_none() -> None:
    assert call(UnderPath(Inner(), "/dup"), scope_of()).headers == {}


def test_links_have_the_path_only_while_a_request_is_answered() -> None:
    seen: list[str] = []

    async def asks(_scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(here("/console"))

    async def run() -> None:
        app = UnderPath(asks, "/dup")
        await app(scope_of(), None, None)  # type: ignore[arg-type]  # neither is called
        seen.append(here("/console"))
        await app(scope_of(kind="lifespan"), None, None)  # type: ignore[arg-type]

    asyncio.run(run())

    assert seen == ["/dup/console", "/console", "/console"]
