"""Health: whether this process answers, whether the service can work, and metrics."""

import time
from collections.abc import Callable

from fastapi import APIRouter, Response, status
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import PlainTextResponse

from api.deps import AllServices, Services
from api.http.errors import DiskFullError
from api.http.texts import CheckedRoute
from api.shapes.schemas import CheckResult, HealthOut
from db import schema
from db.errors import TransientError
from db.work import workers

_LATELY_S = 60.0

router = APIRouter(tags=["health"], route_class=CheckedRoute)


@router.get("/livez")
async def livez() -> HealthOut:
    """Say that this process answers; nothing else is checked."""
    return HealthOut(status="ok")


@router.get(
    "/readyz", responses={503: {"model": HealthOut, "description": "Something does not work"}}
)
def readyz(services: AllServices, response: Response) -> HealthOut:
    """Say whether database, schema and broker work, and a worker has run its models lately."""
    checks = {
        "database": _look(services, _database),
        "migrations": _look(services, _migrations),
        "broker": _look(services, _broker),
        "worker": _look(services, _worker),
    }
    is_ready = all(result.ok for result in checks.values())
    if not is_ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return HealthOut(status="ready" if is_ready else "not_ready", checks=checks)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(services: AllServices) -> Response:
    """Return metrics for Prometheus: requests of this process, waiting work of the service."""
    return Response(services.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _look(services: Services, check: Callable[[Services], CheckResult]) -> CheckResult:
    try:
        return check(services)
    except TransientError as error:
        return CheckResult(ok=False, detail=str(error))
    except SQLAlchemyError as error:
        return CheckResult(ok=False, detail=f"does not answer ({type(error).__name__})")


def _database(services: Services) -> CheckResult:
    with services.sessions.begin() as session:
        is_read_only = schema.is_read_only(session.connection())
        if is_read_only:
            session.invalidate()  # it goes to a standby: the next one may go to the new primary
    if is_read_only:
        return CheckResult(ok=False, detail="answers, but takes no writes: it is read-only")
    # Reading and checking work with a full disk, so requests may still be sent here.
    was_full = time.monotonic() - DiskFullError.met_at < _LATELY_S
    detail = "answers, but lately a disk was full: make room" if was_full else "answers"
    return CheckResult(ok=True, detail=detail)


def _migrations(services: Services) -> CheckResult:
    with services.sessions.begin() as session:
        is_at_head = schema.is_at_head(session.connection())
    detail = "at head" if is_at_head else "behind: run `askedbefore migrate`"
    return CheckResult(ok=is_at_head, detail=detail)


def _broker(services: Services) -> CheckResult:
    services.queue.ping()
    return CheckResult(ok=True, detail="answers and takes messages")


def _worker(services: Services) -> CheckResult:
    within_s = services.settings.believed_s
    with services.sessions.begin() as session:
        proofs = workers.proved_lately(session, within_s=within_s)
    if not proofs:
        return CheckResult(ok=False, detail=f"no worker has inferred in the last {within_s} s")
    return CheckResult(ok=True, detail=f"{len(proofs)} able, the last one on {proofs[0].device}")
