"""The moderators' console: pages rendered on the server, small scripts, no build step."""

from fastapi import APIRouter

from api.console import (
    acting,
    administering,
    bringing,
    deciding,
    grouping,
    history,
    insights,
    live,
    objecting,
    reviewing,
    sign_in,
    thresholds,
)
from api.console.render import mount_static

router = APIRouter()
router.include_router(sign_in.door)
_MODULES = (
    sign_in,
    reviewing,
    deciding,
    live,
    grouping,
    history,
    thresholds,
    insights,
    bringing,
    acting,
    objecting,
    administering,
)
for module in _MODULES:
    router.include_router(module.router)

__all__ = ["mount_static", "router"]
