"""The moderators' console: pages out of the server, one small script, no build step."""

from fastapi import APIRouter

from api.console import grouping, history, live, reviewing, sign_in, thresholds
from api.console.render import mount_static

router = APIRouter()
for module in (sign_in, reviewing, live, grouping, history, thresholds):
    router.include_router(module.router)

__all__ = ["mount_static", "router"]
