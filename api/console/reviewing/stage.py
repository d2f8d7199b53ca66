"""One pair on the review page: its marks, scores, groups and earlier decisions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from api.console.entering.access import Reviewer
from api.console.rendering import words
from api.console.rendering.diff import mark_words
from db.deciding import decisions, opinions
from db.groups import groups
from db.groups.canonical import proposed
from db.groups.groups import GroupDetail
from db.review import attention
from db.review import queue as review
from db.review.queue import Side, Stage
from db.rows import PairKind, PairStatus

BODY_SHOWN = 20_000


def build_stage(session: Session, reviewer: Reviewer, pair_id: int) -> dict[str, Any]:
    """Return the data for the template of the stage; raises `PairNotFoundError`."""
    stage = review.get_stage(session, reviewer.forum.id, pair_id)
    found = {
        side.group_id: groups.get_group(session, reviewer.forum.id, side.group_id)
        for side in (stage.older, stage.newer)
        if side.group_id is not None
    }
    return {
        "stage_template": "_stage.html",
        "key": str(pair_id),
        "second": None,
        "pair": stage,
        "cards": _cards(stage, proposed(session, (stage.older.id, stage.newer.id))),
        "likelihood": words.likelihood(stage.score, stage.kind),
        "evidence": _evidence(stage),
        "groups": list(found.values()),
        "is_bridge": _is_bridge(stage),
        "others": _others(stage, found.values()),
        "precedents": review.precedents(session, stage),
        "claimed_by": claimant(session, reviewer, [pair_id]),
        "decision_id": decisions.find_last_decision(session, reviewer.forum.id, pair_id),
    }


def build_second_stage(session: Session, reviewer: Reviewer, opinion_id: int) -> dict[str, Any]:
    """Return the stage of a second opinion, without any sign of the first decision.

    Raises `NotFoundError`, `OwnDecisionError` and `AnsweredAlreadyError`.
    """
    pair_id = opinions.get_asked(session, reviewer.forum.id, opinion_id, holder=reviewer.name)
    stage = review.get_stage(session, reviewer.forum.id, pair_id)
    blind = replace(stage, canonical_id=None, decided_by=None, note=None, status=PairStatus.FLAGGED)
    return {
        "stage_template": "_stage.html",
        "key": f"s{opinion_id}",
        "second": opinion_id,
        "pair": blind,
        "cards": _cards(blind, stage.older.id),
        "likelihood": words.likelihood(stage.score, stage.kind),
        "evidence": _evidence(stage),
        "groups": [],
        "is_bridge": False,
        "others": [],
        "precedents": [],
        "claimed_by": claimant(session, reviewer, [pair_id]),
        "decision_id": None,
    }


def _cards(stage: Stage, proposed_id: int) -> list[dict[str, Any]]:
    """Return both questions, the proposed canonical one first."""
    older, newer = mark_words(stage.older.title, stage.newer.title)
    cards = [
        _card(stage, stage.older, older, label="asked first"),
        _card(stage, stage.newer, newer, label="asked later"),
    ]
    return cards if proposed_id == stage.older.id else cards[::-1]


def _card(stage: Stage, side: Side, runs: Any, *, label: str) -> dict[str, Any]:
    return {
        "side": side,
        "runs": runs,
        "label": label,
        "facts": words.facts(side.facts),
        "body": side.body[:BODY_SHOWN],
        "asked": side.asked_at or side.created_at,
        "is_canonical": stage.canonical_id == side.id,
    }


def _is_bridge(stage: Stage) -> bool:
    one, other = stage.older.group_id, stage.newer.group_id
    return one is not None and other is not None and one != other


def _others(stage: Stage, found: Any) -> list[Any]:
    details: list[GroupDetail] = list(found)
    own = {stage.older.id, stage.newer.id}
    return [member for group in details for member in group.members if member.id not in own]


def claimant(session: Session, reviewer: Reviewer, pair_ids: Iterable[int]) -> str | None:
    """Return the colleague who has claimed one of these pairs."""
    claims = attention.active_claims(session, reviewer.forum.id)
    return attention.colleague(claims, pair_ids, me=reviewer.name)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One score of the pair, as it is shown."""

    name: str
    said: str
    value: float | None = None
    tick: float | None = None


def _evidence(stage: Stage) -> list[Evidence]:
    if stage.kind is PairKind.SAME_TEXT:
        return [Evidence("exact text", "the same except for case and spaces")]
    shown: list[Evidence] = []
    if stage.cosine is not None:
        shown.append(Evidence("cosine", f"{stage.cosine:.2f}", stage.cosine))
    forward, backward = map(words.probability_of, stage.logits)
    both = [value for value in (forward, backward) if value is not None]
    if both:
        said = " / ".join("not run" if v is None else f"{v:.2f}" for v in (forward, backward))
        shown.append(Evidence("reranker", said, sum(both) / len(both)))
    said = f"{stage.score:.2f}, flagged from {stage.threshold:.2f}"
    return [*shown, Evidence("probability", said, stage.score, stage.threshold)]
