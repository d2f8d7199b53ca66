"""The Thresholds page: choosing the threshold and the calibration from the decisions."""

import json
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from api.console.entering.access import AnAdmin, AReviewer, ConsoleRoute, Reviewer
from api.console.insights import precision
from api.console.insights.precision import STEPS, Point
from api.console.rendering.render import page
from api.console.view import frame
from api.deps import Sessions
from db.pairs import calibrations
from db.pairs import thresholds as db_thresholds
from db.review import insight
from db.tenants import forums
from db.vectors import models
from db.vectors.rows import ModelKind
from worker.adapting import calibrating
from worker.scoring import proof

DOTS = 400
_SAVED = {
    "1": "Saved. Undecided pairs were sorted again; decisions stay.",
    "calibrated": "The forum's own calibration is in force. Undecided pairs have new scores;"
    " decisions stay.",
    "reset": "The model's own calibration is in force again. Undecided pairs have their"
    " earlier scores.",
}

router = APIRouter(
    prefix="/console/{forum}", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)


@router.get("/thresholds")
def thresholds(reviewer: AReviewer, sessions: Sessions, saved: str = "") -> Response:
    """Show judged pairs by score, the precision of each threshold, and the one now used."""
    with sessions.begin() as session:
        context = frame(session, reviewer, active="thresholds")
        context["forum"] = forum = forums.get_forum(session, reviewer.forum.name)
        proposal = calibrating.propose(session, forum)
        judged = proof.rescale(insight.judged(session, forum.id), proposal.current)
        versions = calibrations.versions(session, forum.id)
        waiting = insight.waiting_scores(session, forum.id, bins=STEPS)
        model = models.find_active(session, ModelKind.RERANKER)
        own = db_thresholds.own(session)
    points = precision.curve(judged, waiting)
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
        enough=proof.ENOUGH,
        bands=precision.bands(judged),
        curve=json.dumps([_point(point) for point in points]),
        # Below the lowest judged pair nothing is known: the curve ends there.
        lowest=min((pair.score for pair in judged), default=0.0) - 1 / STEPS,
        base_share=precision.base(points),
        saved=_SAVED.get(saved),
        proposal=proposal,
        needed=calibrating.NEEDED,
        versions=versions,
    )


def _point(point: Point) -> list[float | None]:
    low, high = point.interval
    return [
        point.threshold,
        point.judged,
        point.precision,
        round(low, 4),
        round(high, 4),
        point.waiting,
    ]


@router.post("/thresholds")
def choose(
    *,
    reviewer: AnAdmin,
    sessions: Sessions,
    threshold: Annotated[float | None, Form(ge=0, le=1)] = None,
    observe_only: Annotated[bool, Form()] = False,
    own: Annotated[bool, Form()] = False,
) -> Response:
    """Set the forum's threshold, or use the model's own, and flag or hide undecided pairs by it."""
    with sessions.begin() as session:
        wanted = None if own else threshold
        in_force = wanted if wanted is not None else db_thresholds.own(session)
        db_thresholds.apply(
            session,
            reviewer.forum,
            in_force,
            chosen=wanted,
            observe_only=observe_only,
            actor=reviewer.name,
        )
    return _back(reviewer, "1")


@router.post("/thresholds/calibration")
def recalibrate(
    reviewer: AnAdmin, sessions: Sessions, reset: Annotated[bool, Form()] = False
) -> Response:
    """Calibrate from the decisions, or with *reset* go back to the model's own calibration."""
    with sessions.begin() as session:
        if reset:
            calibrating.reset(session, reviewer.forum.name, actor=reviewer.name)
        else:
            calibrating.recalibrate(session, reviewer.forum.name, actor=reviewer.name)
    return _back(reviewer, "reset" if reset else "calibrated")


def _back(reviewer: Reviewer, saved: str) -> RedirectResponse:
    path = f"/console/{reviewer.forum.name}/thresholds?saved={saved}"
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
