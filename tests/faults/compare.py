"""Compares the accepted changes with the database."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.faults.ledger import Key, Ledger, Wanted
from tests.faults.receiver import Receiver

KINDS = ("lost", "doubled", "twins missed", "out of date", "told twice", "untold", "stuck")
TOLD = ("pair.flagged", "pair.decided", "pair.undone", "group.changed")
_SHOWN = 12


@dataclass(slots=True)
class Differences:
    """The differences between the accepted changes and the database, by kind."""

    found: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def add(self, kind: str, what: str) -> None:
        """Note a difference."""
        self.found[kind].append(what)

    @property
    def are_none(self) -> bool:
        """Return whether there is no difference."""
        return not any(self.found.values())

    def lines(self) -> list[str]:
        """Return the counts, and the first of each kind."""
        lines = []
        for kind, found in self.found.items():
            lines.append(f"{kind:14} {len(found):6,}")
            lines += [f"    {one}" for one in found[:_SHOWN]]
        return lines


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    title: str
    visible: bool


def compare(session: Session, ledger: Ledger, receiver: Receiver) -> Differences:
    """Return where the database and the receiver differ from the ledger."""
    differences = Differences()
    rows = {
        Key(row.forum, row.external_id): _Row(row.id, row.title, row.visible)
        for row in session.execute(text(_QUESTIONS))
    }
    _questions(differences, ledger, rows)
    _twins(session, differences, ledger, rows)
    _decisions(session, differences, ledger)
    _events(session, differences)
    _deliveries(session, differences, receiver)
    _work(session, differences, ledger)
    return differences


_QUESTIONS = """
    SELECT f.name AS forum, q.external_id, q.id, q.title, q.visible
    FROM questions q JOIN forums f ON f.id = q.forum_id
"""


def _questions(differences: Differences, ledger: Ledger, rows: dict[Key, _Row]) -> None:
    for key, wanted in ledger.questions.items():
        row = rows.get(key)
        if key in ledger.doubtful:
            continue
        if row is None:
            differences.add("lost", f"{key} is not there")
        elif (row.title, row.visible) != (wanted.title, wanted.visible):
            differences.add("lost", f"{key} is {row}, not {wanted}")
    for key in rows.keys() - ledger.questions.keys() - ledger.doubtful:
        how = "was erased" if key in ledger.erased else "was never accepted"
        differences.add("doubled", f"{key} {how} and is there")


def _twins(
    session: Session, differences: Differences, ledger: Ledger, rows: dict[Key, _Row]
) -> None:
    found = session.execute(text("SELECT low_id, high_id FROM pairs WHERE status <> 'withdrawn'"))
    pairs = {(row.low_id, row.high_id) for row in found}
    groups: dict[tuple[str, str], list[tuple[Key, Wanted]]] = defaultdict(list)
    # Questions with an unknown result are taken from the database: they need pairs like all others.
    unknown = {
        key: Wanted(rows[key].title, visible=rows[key].visible, is_still=True)
        for key in ledger.doubtful & rows.keys()
    }
    for key, wanted in {**ledger.questions, **unknown}.items():
        if wanted.visible and key in rows:
            groups[key.forum, wanted.title].append((key, wanted))
    for members in groups.values():
        ids = sorted(rows[key].id for key, _ in members)
        if any(wanted.is_still for _, wanted in members):
            missed = _apart(ids, pairs)  # an archive pairs each of them with the oldest one only
        else:
            missed = [ends for ends in combinations(ids, 2) if ends not in pairs]
        for ends in missed:
            differences.add("twins missed", f"{ends} of {[key.id for key, _ in members]}")


def _apart(ids: Iterable[int], pairs: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return for each question that no way of pairs leads to from the first one the two of them."""
    first, *others = ids
    reached, waiting = {first}, [first]
    while waiting:
        one = waiting.pop()
        for other in others:
            if other not in reached and ((one, other) in pairs or (other, one) in pairs):
                reached.add(other)
                waiting.append(other)
    return [(first, other) for other in others if other not in reached]


def _decisions(session: Session, differences: Differences, ledger: Ledger) -> None:
    counts = {
        row.note: int(row.times)
        for row in session.execute(
            text("SELECT note, count(*) AS times FROM decisions WHERE undoes IS NULL GROUP BY note")
        )
    }
    for note, decided in ledger.decisions.items():
        count = counts.get(note, 0)
        if count > 1:
            differences.add("doubled", f"the decision {note!r} is there {count} times")
        elif not count and decided.is_certain and not ledger.erased.intersection(decided.ends):
            differences.add("lost", f"the decision {note!r} is not there")


def _events(session: Session, differences: Differences) -> None:
    for row in session.execute(text(_TOLD_TWICE)):
        differences.add("told twice", f"pair {row.pair_id}: two pair.flagged in a row")
    for row in session.execute(text(_UNTOLD)):
        differences.add("untold", f"pair {row.id} is flagged, and no event says so")
    for row in session.execute(text(_OUT_OF_DATE)):
        differences.add("out of date", f"pair {row.id} of kind {row.kind} is about an old text")


_TOLD_TWICE = """
    SELECT pair_id FROM (
        SELECT pair_id, kind, lag(kind) OVER (PARTITION BY pair_id ORDER BY id) AS before
        FROM events WHERE pair_id IS NOT NULL AND kind <> 'pair.rescored'
    ) e WHERE kind = 'pair.flagged' AND before = 'pair.flagged'
"""
_UNTOLD = """
    SELECT p.id FROM pairs p WHERE p.status = 'flagged' AND NOT EXISTS
        (SELECT FROM events e WHERE e.pair_id = p.id AND e.kind = 'pair.flagged')
"""
_OUT_OF_DATE = """
    SELECT p.id, p.kind FROM pairs p
    JOIN questions l ON l.id = p.low_id JOIN questions h ON h.id = p.high_id
    WHERE p.status = 'flagged' AND (
        p.kind = 'same_text' AND l.text_digest <> h.text_digest
        OR p.low_text_version <> l.text_version OR p.high_text_version <> h.text_version)
"""


def _deliveries(session: Session, differences: Differences, receiver: Receiver) -> None:
    for row in session.execute(text(_MISSING), {"kinds": list(TOLD)}):
        kind = "untold" if not row.times else "told twice"
        differences.add(kind, f"event {row.id} has {row.times} deliveries")
    for row in session.execute(text("SELECT id, delivered_at, attempts FROM webhook_deliveries")):
        if row.delivered_at is None:
            differences.add("stuck", f"delivery {row.id} has not arrived ({row.attempts} attempts)")
        elif not receiver.taken[f"msg_{row.id}"]:
            differences.add("lost", f"delivery {row.id} counts as made, and nobody got it")


_MISSING = """
    SELECT e.id, count(d.id) AS times
    FROM events e JOIN webhooks w ON w.forum_id = e.forum_id AND e.kind = ANY(w.kinds)
        AND e.created_at > w.created_at
    LEFT JOIN webhook_deliveries d ON d.event_id = e.id AND d.webhook_id = w.id
    WHERE e.kind = ANY(:kinds) GROUP BY e.id, w.id HAVING count(d.id) <> 1
"""


def _work(session: Session, differences: Differences, ledger: Ledger) -> None:
    for row in session.execute(text("SELECT question_id, lane, attempts, error FROM jobs")):
        differences.add(
            "stuck", f"question {row.question_id} ({row.lane}, {row.attempts}: {row.error})"
        )
    states = {
        row.id: (row.state, row.stage)
        for row in session.execute(text("SELECT id, state, stage FROM archives"))
    }
    for archive_id, (state, stage) in states.items():
        if state == "running":
            differences.add("stuck", f"archive {archive_id} is {state} in {stage}")
        elif archive_id in ledger.archives and state != "done":
            differences.add("lost", f"archive {archive_id} was accepted and is {state}")
    for row in session.execute(text(_SET_ASIDE)):
        differences.add("stuck", f"unit {row.id} ({row.stage}, {row.attempts}: {row.error})")


_SET_ASIDE = """
    SELECT u.id, u.stage, u.attempts, u.error FROM archive_units u
    JOIN archives a ON a.id = u.archive_id WHERE a.state = 'done' AND u.done_at IS NULL
"""
