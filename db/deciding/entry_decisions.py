"""One decision on a whole entry of the queue: which questions are the same, and which are not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy.orm import Session

from db.deciding import bulk, decisions, opinions
from db.deciding.bulk import BulkDone
from db.deciding.decisions import DECIDED, NOTE_LENGTH, Choice
from db.errors import ConflictError, InvalidInputError
from db.groups import groups, regrouping
from db.groups.components import components
from db.review import entries
from db.rows import PairStatus
from db.tables.pairs import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryVerdict:
    """A decision on the pairs of an entry, each with the version that the person saw."""

    status: PairStatus
    seen: Mapping[int, int]
    """The version of each pair, by its id."""
    keep: frozenset[int] = frozenset()
    """For duplicates: the nodes that are the same. The other nodes are not the same as these."""
    canonical_id: int | None = None
    note: str | None = None
    merge: bool = False
    """Whether joining groups is wanted."""


class SaidOtherwiseError(ConflictError):
    """Two of these were decided not to be the same: look at their pair before joining them."""


def decide(session: Session, forum_id: int, verdict: EntryVerdict, *, actor: str) -> BulkDone:
    """Save one decision for each pair of an entry; one undo takes all of them back.

    For duplicates: pairs among the kept nodes are duplicates, pairs of a kept and another node are
    not, and pairs among the others stay in the queue. Any other status is saved for every two
    nodes. Nothing is saved if any pair has changed since it was seen. Raises `PairNotFoundError`,
    `InvalidInputError`, `StaleVersionError`, `SaidOtherwiseError`, and `WouldMergeError` if it
    would join groups and this was not asked for.
    """
    groups.lock(session, forum_id)
    pairs = decisions.lock_pairs(session, forum_id, verdict.seen)
    _check(pairs, verdict)
    nodes = entries.representatives(session, {q for p in pairs for q in (p.low_id, p.high_id)})
    choices = _choices(pairs, nodes, verdict)
    if not choices:
        raise InvalidInputError(
            "keep at least two questions that are the same, or decide that none is"
        )
    is_duplicate = verdict.status is PairStatus.DUPLICATE
    if is_duplicate:
        _refuse_merge(session, choices, verdict)
        choices += _missing_links(session, forum_id, choices, nodes, verdict)
    number = uuid4()
    done = decisions.write(session, forum_id, choices, actor=actor, bulk=number)
    opinions.ask(session, forum_id, done)
    if is_duplicate:
        same = sorted({q for pair in _same(choices) for q in (pair.low_id, pair.high_id)})
        groups.rebuild(session, forum_id, same, actor=actor, prefer=verdict.canonical_id)
        regrouping.weigh_anew(session, same)
    return BulkDone(bulk=number, done=len(done), left=0)


def _check(pairs: Sequence[Pair], verdict: EntryVerdict) -> None:
    if verdict.status not in DECIDED:
        raise InvalidInputError(f"a decision is one of {', '.join(DECIDED)}")
    if len(verdict.note or "") > NOTE_LENGTH:
        raise InvalidInputError(f"a note has at most {NOTE_LENGTH} characters")
    if verdict.canonical_id is not None and verdict.canonical_id not in verdict.keep:
        raise InvalidInputError("the canonical question must be one of those that are the same")
    for pair in pairs:
        decisions.refuse_stale(pair, verdict.seen[pair.id])
        if pair.status != PairStatus.FLAGGED:
            raise InvalidInputError(
                f"pair {pair.id} is not in the review queue: decide on it alone"
            )


def _choices(
    pairs: Sequence[Pair], nodes: Mapping[int, int], verdict: EntryVerdict
) -> list[Choice]:
    found = []
    for pair in pairs:
        ends = (nodes[pair.low_id], nodes[pair.high_id])
        status = _said(ends, verdict)
        if status is not None:
            chosen = verdict.canonical_id if status is PairStatus.DUPLICATE else None
            canonical = chosen if chosen in {pair.low_id, pair.high_id} else None
            found.append(Choice(pair, status, canonical_id=canonical, note=verdict.note))
    return found


def _said(ends: tuple[int, int], verdict: EntryVerdict) -> PairStatus | None:
    if verdict.status is not PairStatus.DUPLICATE:
        return verdict.status if ends[0] != ends[1] else None
    kept = sum(node in verdict.keep for node in ends)
    return (None, PairStatus.NOT_DUPLICATE, PairStatus.DUPLICATE)[kept]


def _same(choices: Iterable[Choice]) -> list[Pair]:
    return [choice.pair for choice in choices if choice.status is PairStatus.DUPLICATE]


def _refuse_merge(session: Session, choices: Sequence[Choice], verdict: EntryVerdict) -> None:
    same = _same(choices)
    found = groups.groups_of(session, {q for pair in same for q in (pair.low_id, pair.high_id)})
    different = sorted(set(found.values()))
    if len(different) > 1 and not verdict.merge:
        groups.refuse_merge(session, same[0].id, *different)


def _missing_links(
    session: Session,
    forum_id: int,
    choices: Sequence[Choice],
    nodes: Mapping[int, int],
    verdict: EntryVerdict,
) -> list[Choice]:
    # Without the question that was taken out, the others may not be connected any more. But the
    # decision says that they are the same.
    kept = set(nodes.values()) & verdict.keep
    edges = [(nodes[pair.low_id], nodes[pair.high_id]) for pair in _same(choices)]
    parts = components(kept, edges)
    lead = min(parts[0]) if parts else 0
    made = [bulk.ensure_pair(session, forum_id, lead, min(part))[0] for part in parts[1:]]
    links = decisions.lock_pairs(session, forum_id, made) if made else []
    if any(link.status in {PairStatus.NOT_DUPLICATE, PairStatus.RELATED} for link in links):
        raise SaidOtherwiseError
    return [Choice(link, PairStatus.DUPLICATE, note=verdict.note) for link in links]
