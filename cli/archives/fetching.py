"""Fetches a file from a URL to a temporary file."""

import tempfile
from contextlib import ExitStack
from typing import BinaryIO, cast

import httpx2

from db.errors import InvalidInputError

_TIMEOUT_S = 60.0


def fetched(url: str) -> BinaryIO:
    """Download *url* into a file without a name and return it; raises `InvalidInputError`."""
    with ExitStack() as until_then:
        file = cast("BinaryIO", until_then.enter_context(tempfile.TemporaryFile()))
        _download(url, file)
        until_then.pop_all()  # the caller reads it
    file.seek(0)
    return file


def _download(url: str, file: BinaryIO) -> None:
    try:
        with httpx2.stream("GET", url, timeout=_TIMEOUT_S, follow_redirects=True) as answer:
            if answer.is_error:
                raise InvalidInputError(
                    f"{url} answered {answer.status_code}: correct the address, or try again"
                )
            file.writelines(answer.iter_bytes())
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise InvalidInputError(
            f"{url} cannot be fetched: {error}; correct the address, or try again"
        ) from error
