"""The ask box's script, for the forum's own pages."""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from api.http.texts import CheckedRoute

_FILE = Path(__file__).parent.parent / "widget" / "widget.js"
_HEADERS = {
    "Cache-Control": "public, max-age=300",
    # The pages of a forum are on another site.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}

router = APIRouter(include_in_schema=False, tags=["widget"], route_class=CheckedRoute)


@router.get("/widget.js")
def widget() -> Response:
    """Return the script of the ask box."""
    return Response(_FILE.read_bytes(), media_type="text/javascript", headers=_HEADERS)
