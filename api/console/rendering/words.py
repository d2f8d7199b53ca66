"""Numbers and states in words, for people. Pure."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from db.questions.rows import Facts
from db.rows import PairKind, PairStatus
from db.wording import STATUS_WORDS, counted

_SCALE = (
    (0.98, "Almost certainly the same"),
    (0.9, "Very likely the same"),
    (0.75, "Likely the same"),
    (0.5, "Perhaps the same"),
    (0.0, "Probably not the same"),
)
_STATUS = {
    **STATUS_WORDS,
    PairStatus.FLAGGED: "to review",
    PairStatus.OBSERVED: "observed only",
}
_STEPS = ((60, "s"), (60, "min"), (24, "h"), (30.44, "days"), (12, "months"))
HUES = 8


def likelihood(score: float, kind: PairKind) -> str:
    """Return in words how likely a pair is the same; shown before its number."""
    if kind is PairKind.SAME_TEXT:
        return "The same text, word for word"
    return next(words for least, words in _SCALE if score >= least or least == 0)


def status_words(status: str) -> str:
    """Return a pair's status in words."""
    return _STATUS[PairStatus(status)]


def ago(instant: datetime, now: datetime | None = None) -> str:
    """Return how long ago something was, in its largest unit."""
    value = max(0.0, ((now or datetime.now(UTC)) - instant).total_seconds())
    for size, unit in _STEPS:
        if value < size:
            return _counted(int(value), unit)
        value /= size
    return _counted(int(value), "years")


def _counted(count: int, unit: str) -> str:
    if unit == "s":
        return "just now"
    if count == 1 and unit.endswith("s"):
        unit = unit[:-1]
    return f"{count} {unit} ago"


def duration(seconds: float) -> str:
    """Return a duration in short form."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if round(seconds) < 60:  # noqa: PLR2004  # a minute
        return f"{seconds:.0f} s"
    if minutes < 60:  # noqa: PLR2004  # an hour
        return f"{minutes} min"
    return f"{hours} h" if hours < 48 else counted(round(hours / 24), "day")  # noqa: PLR2004  # two days


def number(count: int, limit: int | None = None) -> str:
    """Return a count with thousands separators, or *limit* and a plus if it is above it."""
    return f"{limit:,}+" if limit is not None and count > limit else f"{count:,}"


def probability_of(logit: float | None) -> float | None:
    """Return a logit as a probability, to show it."""
    return None if logit is None else 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))


def initials(name: str) -> str:
    """Return one or two letters that stand for a person."""
    words = [word for word in name.split() if word[0].isalnum()] or [name]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def hue(name: str) -> int:
    """Return a person's colour: the same on every screen."""
    return sum(name.encode()) % HUES


def facts(known: Mapping[str, Any] | None) -> list[str]:
    """Return what a forum said about a question, each in a few words."""
    found = Facts.of(known)
    told = []
    if found.answers is not None or found.accepted:
        count = "answered" if found.answers is None else counted(found.answers, "answer")
        told.append(f"{count}, one accepted" if found.accepted else count)
    if found.votes is not None:
        told.append(counted(found.votes, "vote"))
    if found.views is not None:
        told.append(counted(found.views, "view"))
    told += ["closed"] if found.closed else []
    told += [found.language] if found.language else []
    return [*told, ", ".join(found.tags)] if found.tags else told
