"""Errors of reviewing as problems: a conflict shows both versions, a merge both groups."""

import json
from http import HTTPStatus

from starlette.responses import Response

from api.http.errors import MEDIA_TYPE, headers_of, problem_type, service_problem, status_of
from db.deciding.decisions import StaleVersionError
from db.errors import ServiceError
from db.groups.groups import WouldMergeError


def review_problem(error: ServiceError, *, status: HTTPStatus | None = None) -> Response:
    """Return the problem for *error*, with what a reviewer needs to decide again."""
    extra = _extra(error)
    if not extra and status is None:
        return service_problem(error)
    status = status or status_of(error)
    content = {
        "type": problem_type(error),
        "title": status.phrase,
        "status": status.value,
        "detail": str(error),
        **extra,
    }
    body = json.dumps(content, default=str)
    return Response(body, status, media_type=MEDIA_TYPE, headers=headers_of(error))


def _extra(error: ServiceError) -> dict[str, object]:
    if isinstance(error, StaleVersionError):
        now = error.current
        current = {
            "version": now.version,
            "status": now.status,
            "decided_by": now.decided_by,
            "decided_at": now.decided_at,
            "note": now.note,
            "score": now.score,
        }
        return {"seen": {"version": error.seen}, "current": current}
    if isinstance(error, WouldMergeError):
        found = zip(error.groups, error.sizes, strict=True)
        return {"groups": [{"id": str(group), "size": size} for group, size in found]}
    return {}
