"""Queries on outcomes: what askers did about each suggestion, counted by score band."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import InvalidInputError, QuestionNotFoundError
from db.tables.outcomes import SuggestionOutcome
from db.tables.questions import Question

BANDS = 20
_KEPT = timedelta(days=400)


class AskerDid(StrEnum):
    """What became of a suggestion."""

    SHOWN = "shown"
    OPENED = "opened"
    ANSWERED = "answered"
    """"This answers me"."""
    DIFFERENT = "different"
    """"Mine is different"."""
    POSTED = "posted"
    """The question was posted anyway; of a whole check, not of one suggestion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOutcome:
    """What an asker did, as their page reports it."""

    check_key: bytes
    outcome: AskerDid
    candidate: str | None = None
    asked_as: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The outcomes of the suggestions with scores from *low* to *low* + 0.05."""

    low: float
    shown: int
    opened: int
    answered: int
    different: int
    posted: int
    confirmed: int
    """Posted anyway, and later confirmed by a moderator as a duplicate of the suggestion."""
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fates:
    """What became of a forum's checks and their suggestions."""

    checks: int
    """Those with a suggestion."""
    deflected: int
    """Checks whose asker said that a suggestion is an answer, and posted nothing."""
    posted: int
    bands: list[Band]


def band_of(score: float) -> int:
    """Return a score's band."""
    return min(BANDS - 1, max(0, int(score * BANDS)))


def save(session: Session, forum_id: int, new: NewOutcome) -> None:
    """Keep what an asker did; the same again changes nothing.

    Raises `InvalidInputError` and `QuestionNotFoundError`.
    """
    if (new.candidate is None) is not (new.outcome is AskerDid.POSTED):
        raise InvalidInputError(
            "`posted` takes no `candidate_id`, and every other outcome needs one"
        )
    values = {
        "forum_id": forum_id,
        "check_key": new.check_key,
        "candidate_id": _candidate(session, forum_id, new.candidate),
        "asked_as": new.asked_as,
        "outcome": new.outcome,
        "band": band_of(new.score) if new.score is not None else None,
    }
    new_row = insert(SuggestionOutcome).values(values)
    # A page reports that a question was posted; the backend reports which, before or after.
    is_known = func.coalesce(SuggestionOutcome.asked_as, new_row.excluded.asked_as)
    session.execute(
        new_row.on_conflict_do_update(
            index_elements=["check_key", "outcome", text("coalesce(candidate_id, 0)")],
            set_={"asked_as": is_known},
        )
    )


def _candidate(session: Session, forum_id: int, external_id: str | None) -> int | None:
    if external_id is None:
        return None
    found = session.execute(
        select(Question.id).where(
            Question.forum_id == forum_id, Question.external_id == external_id
        )
    ).scalar_one_or_none()
    if found is None:
        raise QuestionNotFoundError(external_id)
    return found


_CHECKS = text("""
    SELECT count(*) FILTER (WHERE shown) AS checks,
        count(*) FILTER (WHERE shown AND answered AND NOT posted) AS deflected,
        count(*) FILTER (WHERE shown AND posted) AS posted
    FROM (
        SELECT bool_or(outcome = 'shown') AS shown, bool_or(outcome = 'answered') AS answered,
            bool_or(outcome = 'posted') AS posted
        FROM outcomes WHERE forum_id = :forum AND created_at > now() - make_interval(days => :days)
        GROUP BY check_key
    ) AS checks
""")
_BANDS = text("""
    WITH posted AS (
        SELECT check_key, max(asked_as) AS asked_as FROM outcomes
        WHERE forum_id = :forum AND outcome = 'posted' GROUP BY check_key
    ), shown AS (
        SELECT o.check_key, o.candidate_id, o.band, p.check_key IS NOT NULL AS is_posted, p.asked_as
        FROM outcomes AS o LEFT JOIN posted AS p USING (check_key)
        WHERE o.forum_id = :forum AND o.outcome = 'shown' AND o.band IS NOT NULL
            AND o.created_at > now() - make_interval(days => :days)
    )
    SELECT s.band, count(*) AS shown,
        count(*) FILTER (WHERE did.opened) AS opened,
        count(*) FILTER (WHERE did.answered) AS answered,
        count(*) FILTER (WHERE did.different) AS different,
        count(*) FILTER (WHERE s.is_posted) AS posted,
        count(*) FILTER (WHERE later.status = 'duplicate') AS confirmed,
        count(*) FILTER (WHERE later.status IN ('not_duplicate', 'related')) AS refused
    FROM shown AS s
    LEFT JOIN LATERAL (
        SELECT bool_or(outcome = 'opened') AS opened, bool_or(outcome = 'answered') AS answered,
            bool_or(outcome = 'different') AS different
        FROM outcomes AS d
        WHERE d.check_key = s.check_key AND d.candidate_id = s.candidate_id
    ) AS did ON true
    LEFT JOIN questions AS q ON q.forum_id = :forum AND q.external_id = s.asked_as
    LEFT JOIN pairs AS later ON later.low_id = least(q.id, s.candidate_id)
        AND later.high_id = greatest(q.id, s.candidate_id)
    GROUP BY s.band ORDER BY s.band DESC
""")


def fates(session: Session, forum_id: int, *, days: int = 90) -> Fates:
    """Return what became of the suggestions of the last *days* days, by score band."""
    of_forum = {"forum": forum_id, "days": days}
    whole = session.execute(_CHECKS, of_forum).one()
    bands = [
        Band(
            **{name: value for name, value in row.items() if name != "band"},
            low=row["band"] / BANDS,
        )
        for row in session.execute(_BANDS, of_forum).mappings()
    ]
    return Fates(checks=whole.checks, deflected=whole.deflected, posted=whole.posted, bands=bands)


def forget(session: Session, forum_id: int, external_id: str) -> None:
    """Forget that this question was posted after a check, because it is being erased."""
    session.execute(
        delete(SuggestionOutcome).where(
            SuggestionOutcome.forum_id == forum_id, SuggestionOutcome.asked_as == external_id
        )
    )


def forget_old(session: Session) -> None:
    """Delete outcomes that are older than a year."""
    session.execute(
        delete(SuggestionOutcome).where(SuggestionOutcome.created_at < func.now() - _KEPT)
    )
