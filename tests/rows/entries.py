"""Functions for tests of entries of the queue."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.deciding import bulk, entry_decisions
from db.deciding.entry_decisions import EntryVerdict
from db.groups import groups
from db.review.entries import EntryDetail, find_entry
from db.rows import PairStatus
from db.tables.pairs import Pair
from tests.rows.review import Seeded


def entry_of(session: Session, seeded: Seeded, pair_id: int) -> EntryDetail:
    found = find_entry(session, seeded.forum.id, pair_id)
    assert found is not None
    return found


def places(seeded: Seeded, entry: EntryDetail) -> list[int]:
    return [seeded.questions.index(node.id) for node in entry.nodes]


def say_of(
    session: Session,
    seeded: Seeded,
    entry: EntryDetail,
    status: PairStatus = PairStatus.DUPLICATE,
    *,
    out: tuple[int, ...] = (),
    **more: object,
) -> bulk.BulkDone:
    """Decide on an entry without the questions with the indexes *out*."""
    left = {seeded.questions[place] for place in out}
    verdict = EntryVerdict(
        status=status,
        seen={pair.pair_id: pair.version for pair in entry.pairs},
        keep=frozenset(node.id for node in entry.nodes) - left,
        **more,  # type: ignore[arg-type]
    )
    return entry_decisions.decide(session, seeded.forum.id, verdict, actor="ana")


def statuses(session: Session, *pair_ids: int) -> list[str]:
    found = session.execute(select(Pair.id, Pair.status).where(Pair.id.in_(pair_ids)))
    known = {row.id: row.status for row in found}
    return [known[pair_id] for pair_id in pair_ids]


def sizes(session: Session, seeded: Seeded) -> list[int]:
    return sorted(row.size for row in groups.list_groups(session, seeded.forum.id))
