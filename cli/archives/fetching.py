"""Fetches a file from a URL to a temporary file."""

import tempfile
from typing import BinaryIO, cast

import httpx2

from db.errors import InvalidInputError

_TIMEOUT_S = 60.0


def fetched(url: str) -> BinaryIO:
    """Download *url* into a file without a name and return it; raises `InvalidInputError`."""
    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115  # the caller reads it
    try:
        with httpx2.stream("GET", url, timeout=_TIMEOUT_S, follow_redirects=True) as answer:
            if answer.is_error:
                raise InvalidInputError(
                    f"{url} answered {answer.status_code}: correct the address, or try again"
                )
            for chunk in answer.iter_bytes():
                file.write(chunk)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise InvalidInputError(
            f"{url} cannot be fetched: {error}; correct the address, or try again"
        ) from error
    file.seek(0)
    return file
