"""An entry of several pairs on the review page."""

from typing import Any

from sqlalchemy.orm import Session

from api.console.entering.access import Reviewer
from api.console.rendering import words
from api.console.rendering.diff import mark_words
from api.console.reviewing.stage import BODY_SHOWN, claimant
from db.groups.canonical import proposed
from db.review import entries
from db.review.entries import EntryDetail, Node
from db.rows import PairKind


def find_entry_stage(session: Session, reviewer: Reviewer, pair_id: int) -> dict[str, Any] | None:
    """Return the data for the template of an entry; None if the pair connects with no other."""
    entry = entries.find_entry(session, reviewer.forum.id, pair_id)
    if entry is None:
        return None
    pair_ids = [pair.pair_id for pair in entry.pairs]
    numbers = _numbers(entry)
    return {
        "stage_template": "_entry.html",
        "key": str(pair_id),
        "entry": entry,
        "pair_ids": pair_ids,
        "rows": [_row(entry, node, numbers[node.id]) for node in entry.nodes],
        "likelihood": _likelihood(entry),
        "stays": _leading(session, entry),
        "links": [(numbers[p.low_id], numbers[p.high_id], p) for p in entry.pairs],
        "bridged": [node for node in entry.nodes if node.group_id is not None],
        "claimed_by": claimant(session, reviewer, pair_ids),
    }


def _numbers(entry: EntryDetail) -> dict[int, int]:
    """Return the number of each question in the list; questions of a group share one."""
    return {
        question.id: place
        for place, node in enumerate(entry.nodes, start=1)
        for question in (node.question, *node.others)
    }


def _row(entry: EntryDetail, node: Node, number: int) -> dict[str, Any]:
    first = entry.nodes[0].question
    _, runs = mark_words(first.title, node.question.title)
    plain, _ = mark_words(first.title, first.title)
    return {
        "node": node,
        "number": number,
        "runs": plain if node.question is first else runs,
        "body": node.question.body[:BODY_SHOWN],
    }


def _likelihood(entry: EntryDetail) -> str:
    # The whole entry is as certain as its least certain pair.
    if all(pair.kind is PairKind.SAME_TEXT for pair in entry.pairs):
        return "The same text, word for word"
    return words.likelihood(min(pair.score for pair in entry.pairs), PairKind.MODEL)


def _leading(session: Session, entry: EntryDetail) -> int:
    """Return the canonical question of the largest group, or which is proposed without one."""
    if entry.group_ids:
        return max(entry.nodes, key=lambda node: node.size if node.group_id is not None else 0).id
    return proposed(session, [node.id for node in entry.nodes])
