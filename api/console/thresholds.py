"""Choosing the probability from which pairs are flagged, by what the decisions say of it."""

import json
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from api.console import precision
from api.console.access import AnAdmin, AReviewer, ConsoleRoute
from api.console.precision import STEPS, Point
from api.console.render import page
from api.console.view import frame
from api.deps import Sessions
from db import insight, models
from db import thresholds as db_thresholds
from db.rows import ModelKind, ModelRow

DOTS = 400
_FALLBACK = 0.5

router = APIRouter(
    prefix="/console/{forum}", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)


@router.get("/thresholds")
def thresholds(reviewer: AReviewer, sessions: Sessions, saved: str = "") -> Response:
    """Show judged pairs by score, the precision from each threshold on, and the one in force."""
    forum = reviewer.forum
    with sessions.begin() as session:
        context = frame(session, reviewer, active="thresholds")
        judged = insight.judged(session, forum.id)
        waiting = insight.waiting_scores(session, forum.id, bins=STEPS)
        model = models.find_active(session, ModelKind.RERANKER)
    points = precision.curve(judged, waiting)
    own = _of_model(model)
    current = forum.threshold if forum.threshold is not None else own
    return page(
        "thresholds.html",
        **context,
        model=model,
        own=own,
        current=current,
        judged_count=len(judged),
        dots=judged[:DOTS],
        points=points,
        now=precision.at(points, current),
        suggestions=[(t, precision.suggest(points, t, judged)) for t in precision.TARGETS],
        enough=precision.ENOUGH,
        bands=precision.bands(judged),
        curve=json.dumps([_point(point) for point in points]),
        # Below the lowest judged pair nobody looked: the curve ends there.
        lowest=min((pair.score for pair in judged), default=0.0) - 1 / STEPS,
        base_share=precision.base(points),
        saved=saved,
    )


def _point(point: Point) -> list[float | None]:
    return [
        point.threshold,
        point.judged,
        point.precision,
        round(point.low, 4),
        round(point.high, 4),
        point.waiting,
    ]


def _of_model(model: ModelRow | None) -> float:
    found = (model.calibration or {}).get("threshold") if model is not None else None
    return float(found) if isinstance(found, int | float) else _FALLBACK


@router.post("/thresholds")
def choose(
    *,
    reviewer: AnAdmin,
    sessions: Sessions,
    threshold: Annotated[float | None, Form(ge=0, le=1)] = None,
    observe_only: Annotated[bool, Form()] = False,
    own: Annotated[bool, Form()] = False,
) -> Response:
    """Set the threshold of the forum, or leave it to the model, and sort what waits by it."""
    with sessions.begin() as session:
        model = models.find_active(session, ModelKind.RERANKER)
        wanted = None if own else threshold
        in_force = wanted if wanted is not None else _of_model(model)
        db_thresholds.apply(
            session,
            reviewer.forum,
            in_force,
            chosen=wanted,
            observe_only=observe_only,
            actor=reviewer.name,
        )
    path = f"/console/{reviewer.forum.name}/thresholds?saved=1"
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
