"""Uploads of archives: separate slots, and a file on disk until they are read.

Nothing here runs in the threads of the other requests. The number of uploads of one forum is
limited, so that no forum can take all slots.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import IO

import anyio
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request

from api.http.errors import (
    BodyBrokenOffError,
    DiskFullError,
    SlowBodyError,
    UploadSlotsTakenError,
    UploadsTakenError,
)
from api.settings import ApiSettings

_PIECE = 1 << 20


class Uploads:
    """The present uploads of one process of the API."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._taken: Counter[int] = Counter()
        self.threads = anyio.CapacityLimiter(settings.upload_slots)
        """Threads in which uploads wait for the disk and the database."""

    @contextmanager
    def slot(self, forum_id: int) -> Iterator[None]:
        """Hold a slot; raises `UploadsTakenError`, or `UploadSlotsTakenError` at the forum's limit.

        Nothing waits for a slot: a waiting request would hold a connection and its body.
        """
        if self._taken[forum_id] >= self._settings.upload_slots_per_forum:
            raise UploadSlotsTakenError(self._settings.upload_slots_per_forum)
        if self._taken.total() >= self._settings.upload_slots:
            raise UploadsTakenError
        self._taken[forum_id] += 1
        try:
            yield
        finally:
            self._taken[forum_id] -= 1
            self._taken = +self._taken  # forgets forums without uploads

    @asynccontextmanager
    async def received(self, request: Request) -> AsyncIterator[IO[bytes]]:
        """Yield the body of *request* as a file without a name.

        Raises `DiskFullError`, `SlowBodyError` and `BodyBrokenOffError`.
        """
        announced = request.headers.get("content-length", "")
        self._refuse_full(int(announced[:20]) if announced.isdecimal() else 0)
        with tempfile.TemporaryFile(dir=self._settings.upload_folder, buffering=0) as file:
            try:
                with anyio.fail_after(self._settings.upload_time_limit_s):
                    await self._receive(request.stream(), file)
            except TimeoutError as error:
                raise SlowBodyError from error
            except ClientDisconnect as error:
                raise BodyBrokenOffError from error
            file.seek(0)
            yield file

    async def _receive(self, stream: AsyncIterator[bytes], file: IO[bytes]) -> None:
        piece = bytearray()
        while True:
            with anyio.fail_after(self._settings.upload_idle_s):
                chunk = await anext(stream, None)
            piece += chunk or b""
            if len(piece) >= _PIECE or chunk is None:
                await to_thread.run_sync(self._write, file, bytes(piece), limiter=self.threads)
                piece.clear()
            if chunk is None:
                return

    def _write(self, file: IO[bytes], piece: bytes) -> None:
        self._refuse_full(len(piece))
        left = memoryview(piece)
        try:
            while left:  # without a buffer: what did not fit would be tried again when it is closed
                left = left[file.write(left) :]
        except OSError as error:
            raise DiskFullError from error

    def _refuse_full(self, more_bytes: int) -> None:
        folder = self._settings.upload_folder or tempfile.gettempdir()
        if shutil.disk_usage(folder).free < more_bytes + self._settings.upload_free_bytes:
            raise DiskFullError
