"""The moderators' console: pages rendered on the server, small scripts, no build step.

From the top: `reviewing`, `insights`, `administering` (pages) -> `view` (the frame of every page)
-> `offers` -> `entering` (who comes in) -> `rendering` (HTML) and `settings`.
"""

from fastapi import APIRouter

from api.console.administering import acting, bringing, forum
from api.console.entering import objecting, sign_in
from api.console.insights import history, insight, thresholds
from api.console.rendering.render import mount_static
from api.console.reviewing import deciding, grouping, live, queue

router = APIRouter()
router.include_router(sign_in.door)
_MODULES = (
    sign_in,
    queue,
    deciding,
    live,
    grouping,
    history,
    thresholds,
    insight,
    bringing,
    acting,
    objecting,
    forum,
)
for module in _MODULES:
    router.include_router(module.router)

__all__ = ["mount_static", "router"]
