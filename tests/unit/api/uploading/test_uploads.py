"""Slots of uploads, and a body that becomes a file."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from api.http.errors import (
    BodyBrokenOffError,
    DiskFullError,
    UploadSlotsTakenError,
    UploadsTakenError,
)
from api.uploading.uploads import Uploads
from tests.servers.api_service import make_settings
from tests.servers.asgi import scope_of


class Body(Request):
    """A request whose body comes in these pieces; an error among them is raised."""

    def __init__(self, *pieces: bytes | Exception, **headers: str) -> None:
        super().__init__(scope_of(**headers))
        self.pieces = pieces

    async def stream(self) -> AsyncIterator[bytes]:  # type: ignore[override]
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def uploads(**settings: object) -> Uploads:
    return Uploads(make_settings(upload_free_bytes=0, **settings))


def received(request: Body, *, by: Uploads | None = None) -> bytes:
    async def run() -> bytes:
        async with (by or uploads()).received(request) as file:
            return file.read()

    return asyncio.run(run())


@given(st.lists(st.integers(0, 3), max_size=20))
def test_no_forum_takes_all_slots_and_a_slot_that_is_left_is_free(comers: list[int]) -> None:
    held: dict[int, list[ExitStack]] = {forum: [] for forum in range(4)}
    service = uploads(upload_slots=4, upload_slots_per_forum=2)

    for forum in comers:
        total = sum(map(len, held.values()))
        stack = ExitStack()
        if len(held[forum]) == 2:
            with pytest.raises(UploadSlotsTakenError):
                stack.enter_context(service.slot(forum))
            held[forum].pop().close()
        elif total == 4:
            with pytest.raises(UploadsTakenError):
                stack.enter_context(service.slot(forum))
            next(stacks for stacks in held.values() if stacks).pop().close()
        else:
            stack.enter_context(service.slot(forum))
            held[forum].append(stack)


def test_a_failed_upload_leaves_its_slot() -> None:
    service = uploads(upload_slots=2, upload_slots_per_forum=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), service.slot(1):
            raise RuntimeError

    with service.slot(1):
        pass


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_the_file_is_the_body_however_it_came(pieces: list[bytes]) -> None:
    assert received(Body(*pieces)) == b"".join(pieces)


def test_a_body_larger_than_a_piece_is_written_whole() -> None:
    pieces = [bytes([number]) * 700_000 for number in range(4)]

    assert received(Body(*pieces)) == b"".join(pieces)


def test_a_body_that_is_broken_off_is_told_apart() -> None:
    with pytest.raises(BodyBrokenOffError):
        received(Body(b"abc", ClientDisconnect()))


def usage(free: int) -> Any:
    return lambda _: SimpleNamespace(total=free, used=0, free=free)


def test_a_body_that_does_not_fit_on_the_disk_is_refused_before_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", usage(1_000))
    service = Uploads(make_settings(upload_free_bytes=400))

    assert received(Body(b"x", content_length="600"), by=service) == b"x"
    with pytest.raises(DiskFullError):
        received(Body(RuntimeError("it was read"), content_length="601"), by=service)


@pytest.mark.parametrize("length", ["", "-5", "a", "\u00b2"])
def test_a_length_that_is_no_number_counts_as_unknown(
    length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", usage(1_000))
    request = Body(b"x")
    request.scope["headers"] = [(b"content-length", length.encode("latin-1"))]

    assert received(request, by=Uploads(make_settings(upload_free_bytes=900))) == b"x"


def test_a_disk_that_fills_meanwhile_ends_the_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", usage(1_000))

    with pytest.raises(DiskFullError):
        received(Body(b"x" * 700), by=Uploads(make_settings(upload_free_bytes=400)))


def test_uploads_lie_in_the_folder_that_was_chosen(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    service = uploads(upload_folder=str(folder))
    folder.rmdir()

    with pytest.raises(FileNotFoundError):
        received(Body(b"x"), by=service)
