"""A client of the service's API for the command line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import httpx2

from db.errors import ServiceError, TransientError

_PAGE = 500
_PIECE = 1 << 20


class ServiceNotReadyError(TransientError):
    """The service is not ready."""


class Client:
    """Calls the API at one address with one key. Without a key, only the readiness can be asked."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def is_ready(self) -> bool:
        """Return whether every part of the service answers."""
        try:
            return self._http.get("/readyz").status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    def what_is_missing(self) -> str:
        """Return which parts of the service do not answer."""
        try:
            answer = self._http.get("/readyz")
            checks = answer.json()["checks"]
        except httpx2.TransportError:
            return "the API does not answer"
        except (ValueError, KeyError, TypeError):
            return f"another server answers in its place, with {answer.status_code}"
        ill = [f"{name}: {one['detail']}" for name, one in checks.items() if not one["ok"]]
        return "; ".join(ill) or "nothing"

    def submit(self, forum: str, questions: Sequence[dict[str, Any]]) -> None:
        """Send questions in one batch; raises `ServiceError` if one is refused."""
        body = {"questions": list(questions)}
        found = self._call("POST", f"/v1/forums/{forum}/questions:batch", "rejected", json=body)
        if found["rejected"]:
            raise ServiceError(f"the service refused questions: {found}")

    def upload(self, forum: str, file: Path) -> dict[str, Any]:
        """Send an archive's file and return the service's answer; raises `ServiceError`."""
        with file.open("rb") as stream:
            return self._call(
                "POST",
                f"/v1/forums/{forum}/archives",
                "id",
                params={"name": file.name},
                content=iter(lambda: stream.read(_PIECE), b""),
                headers={"Content-Type": "application/octet-stream"},
                timeout=httpx2.Timeout(60, read=None),
            )

    def count_pending(self, forum: str) -> int:
        """Return how many questions of the forum are not checked yet."""
        return int(self._call("GET", f"/v1/forums/{forum}", "pending")["pending"])

    def pairs(self, forum: str) -> list[dict[str, Any]]:
        """Return every flagged pair of the forum."""
        return list(self._pages(f"/v1/forums/{forum}/pairs"))

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        wanted = {"status": "flagged", "limit": str(_PAGE)}
        cursor: str | None = ""
        while cursor is not None:
            params = {**wanted, "cursor": cursor} if cursor else wanted
            page = self._call("GET", path, "pairs", "next_cursor", params=params)
            yield from page["pairs"]
            cursor = page["next_cursor"]

    def _call(self, method: str, path: str, *names: str, **options: Any) -> dict[str, Any]:
        """Return the object that the service answers, which has all *names*.

        Raises `ServiceError` if the service refuses the call, does not answer, or another server
        answers in its place.
        """
        try:
            answer = self._http.request(method, path, **options)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServiceError(f"{self.url} does not answer: {error}") from error
        if answer.is_error:
            raise ServiceError(f"{path} answered {answer.status_code}: {answer.text}")
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict) or any(name not in found for name in names):
            raise ServiceError(
                f"{self.url}{path}: this is no answer of askedbefore (status {answer.status_code})."
                " Correct the address"
            )
        return found
