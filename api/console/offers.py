"""The offer to calibrate a forum from its decisions. It appears when that is clearly better."""

from threading import Lock

from sqlalchemy.orm import Session

from api.console.entering.access import Reviewer
from db.review import insight
from worker.adapting import calibrating
from worker.adapting.calibrating import Proposal

STEP = 25
"""New decisions after which the offer is computed again: it is too much work for every page."""
_MOST = 1_000


class Offers:
    """Remembers the offer of each forum."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, int], Proposal | None] = {}
        self._lock = Lock()

    def find(self, session: Session, reviewer: Reviewer) -> Proposal | None:
        """Return the calibration to offer to an admin, None if there is none to offer."""
        if not reviewer.is_admin:
            return None
        forum, stands = reviewer.forum, reviewer.forum.calibration
        latest = insight.last_decision(session, forum.id)
        key = (forum.id, 0 if stands is None else stands.id, latest // STEP)
        with self._lock:
            if key in self._found:
                return self._found[key]
        made = calibrating.propose(session, forum)
        offered = made if made.refusal is None else None
        with self._lock:
            if len(self._found) >= _MOST:
                self._found.clear()
            self._found[key] = offered
        return offered


OFFERS = Offers()
