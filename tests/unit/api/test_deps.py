"""Who may call what, before any database is asked."""

import asyncio

import pytest
from fastapi import Request

from api.deps import Access, ForumFor, only_json
from api.http.errors import ForbiddenError, UnauthenticatedError, UnsupportedMediaTypeError
from db.errors import ForumNotFoundError
from db.tenants.rows import ForumRow
from tests.rows.records import forum_row, key_row
from tests.servers.asgi import scope_of


class Door(ForumFor):
    """The door of a route whose caller is known already."""

    def __init__(self, *scopes: str, access: Access) -> None:
        super().__init__(*scopes)
        self.access = access

    async def anybody(self, request: Request) -> Access:  # noqa: ARG002  # it knows the caller
        return self.access


def enter(needed: tuple[str, ...], held: tuple[str, ...], forum: str = "cooks") -> ForumRow:
    row = forum_row()
    door = Door(*needed, access=Access(key=key_row(*held), forums={row.name: row}))
    return asyncio.run(door(Request(scope_of()), forum))


@pytest.mark.parametrize(
    ("needed", "held", "may"),
    [
        (("submit",), ("submit",), True),
        (("submit", "review"), ("review",), True),
        (("submit",), ("review",), False),
        (("admin",), ("submit", "review"), False),
        (("submit",), ("admin",), True),
        (("review",), ("admin",), True),
        (("submit",), (), False),
    ],
)
def test_a_key_may_do_what_one_of_its_scopes_allows(
    needed: tuple[str, ...], held: tuple[str, ...], may: bool
) -> None:
    if may:
        assert enter(needed, held).name == "cooks"
    else:
        with pytest.raises(ForbiddenError, match=" or ".join(needed)):
            enter(needed, held)


@pytest.mark.parametrize("held", [("submit",), ("admin",), ()])
def test_a_forum_of_others_is_not_there_whatever_the_scope(held: tuple[str, ...]) -> None:
    with pytest.raises(ForumNotFoundError):
        enter(("submit",), held, "bakers")


@pytest.mark.parametrize("needed", [("submit",), ("review",), ("admin",)])
def test_a_key_that_a_page_shows_opens_no_other_route(needed: tuple[str, ...]) -> None:
    with pytest.raises(ForbiddenError, match="scope ask"):
        enter(needed, ("ask",))


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", f"Bearer {'x' * 201}", "Bearer \u00e9"]
)
def test_what_can_be_no_key_is_refused_without_a_look_at_the_database(header: str) -> None:
    scope = scope_of()
    scope["headers"] = [(b"authorization", header.encode("latin-1"))]

    with pytest.raises(UnauthenticatedError):
        asyncio.run(ForumFor("submit")(Request(scope), "cooks"))


@pytest.mark.parametrize(
    ("media_type", "is_json"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        (" Application/JSON ", True),
        ("application/problem+json", True),
        ("text/json", False),
        ("text/x+json", False),
        ("application/jsonp", False),
        ("application/x-www-form-urlencoded", False),
        ("", False),
    ],
)
def test_only_json_is_taken_for_json(media_type: str, is_json: bool) -> None:
    request = Request(scope_of(content_type=media_type))

    if is_json:
        asyncio.run(only_json(request))
    else:
        with pytest.raises(UnsupportedMediaTypeError):
            asyncio.run(only_json(request))
