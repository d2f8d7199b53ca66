"""Makes a result or an error of an answer of the service; both clients use it."""

from typing import Any, TypeVar

import httpx

from askedbefore_client.calls import Call
from askedbefore_client.errors import NoAnswerError, ProblemError, kind_of
from askedbefore_client.retry import seconds

T = TypeVar("T")


def settings(url: str, key: str, timeout_s: float) -> dict[str, Any]:
    """Return the arguments for an httpx client of either kind."""
    headers = {"Authorization": f"Bearer {key}", "User-Agent": "askedbefore-client"}
    return {"base_url": url, "headers": headers, "timeout": timeout_s}


def result(call: Call[T], response: httpx.Response) -> T:
    """Return the result that the answer contains; raises `ProblemError`."""
    if not response.is_success:
        raise problem(response)
    try:
        return call.read(response.json() if response.content else None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProblemError(
            {"detail": "this is no answer of askedbefore: correct the address"},
            status=response.status_code,
        ) from error


def problem(response: httpx.Response) -> ProblemError:
    """Return the error of an answer. The answer may come from a proxy and need not be JSON."""
    try:
        found = response.json()
    except ValueError:
        found = None
    given = found if isinstance(found, dict) else {"detail": response.reason_phrase}
    return kind_of(response.status_code)(
        given,
        status=response.status_code,
        request_id=response.headers.get("x-request-id"),
        retry_after_s=seconds(response.headers.get("retry-after")),
    )


def no_answer(error: httpx.RequestError) -> NoAnswerError:
    """Return the error of a call without an answer, or with one that cannot be unpacked."""
    return NoAnswerError(f"no answer from the service: {type(error).__name__}: {error}")
