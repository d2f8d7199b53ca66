"""Fetches a file from a URL."""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from typing import BinaryIO, cast

import httpx2

from db.errors import InvalidInputError

_TIMEOUT_S = 60.0
_MARKS = {"etag": ("ETag", "If-None-Match"), "modified": ("Last-Modified", "If-Modified-Since")}
"""What marks a version of a file: its name in a sync, in an answer, and in the next request."""


def fetched(url: str) -> BinaryIO:
    """Download *url* into a file without a name and return it; raises `InvalidInputError`."""
    with ExitStack() as until_then:
        file = cast("BinaryIO", until_then.enter_context(tempfile.TemporaryFile()))
        download(url, file)
        until_then.pop_all()  # the caller reads it
    file.seek(0)
    return file


def download(
    url: str, file: BinaryIO, *, known: Mapping[str, str] | None = None
) -> dict[str, str] | None:
    """Write the file at *url* to *file*, and return what marks its version: ETag and date.

    Returns None if the server says that the version with the marks *known* has not changed. Raises
    `InvalidInputError` if the file cannot be fetched.
    """
    before = known or {}
    headers = {asks: before[name] for name, (_, asks) in _MARKS.items() if before.get(name)}
    try:
        with httpx2.stream(
            "GET", url, headers=headers, timeout=_TIMEOUT_S, follow_redirects=True
        ) as answer:
            if headers and answer.status_code == httpx2.codes.NOT_MODIFIED:
                return None
            if not answer.is_success:
                raise InvalidInputError(
                    f"{url} answered {answer.status_code}: correct the address, or try again"
                )
            file.writelines(answer.iter_bytes())
            found = {name: answer.headers.get(sent) for name, (sent, _) in _MARKS.items()}
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise InvalidInputError(
            f"{url} cannot be fetched: {error}; correct the address, or try again"
        ) from error
    return {name: mark for name, mark in found.items() if mark}
