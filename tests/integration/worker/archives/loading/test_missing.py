"""A second import is a sync."""

import pytest
from sqlalchemy import select

from db.archives import archives
from db.archives.archives import ArchiveRow
from db.tables.questions import Question
from db.tenants import forums
from tests.rows.archive_factories import Factory, records
from worker.archives.loading import batches
from worker.archives.loading.load import load
from worker.archives.loading.missing import Rules, why_kept
from worker.archives.readers.records import Hidden, Record, Reject

FIRST = [f"Why {n}?" for n in range(40)]


def import_(
    sessions: Factory, wanted: list[Record], *, name: str = "old.csv", delete: bool = False
) -> ArchiveRow:
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, "cooks")
        archive = archives.create(session, forum.id, name=name, form="csv", top_k=5)
    return load(sessions, forum, archive, wanted, rules=Rules(delete_missing=delete))


def stored(sessions: Factory) -> set[str]:
    with sessions.begin() as session:
        return set(session.execute(select(Question.external_id)).scalars())


def test_what_is_gone_is_told_and_erased_only_when_asked(committed: Factory) -> None:
    import_(committed, records(FIRST))

    told = import_(committed, records(FIRST[3:], first=4))
    kept = stored(committed)
    erased = import_(committed, records(FIRST[3:], first=4), delete=True)

    assert (told.counts["gone"], len(kept)) == (3, 40)
    assert (erased.counts["gone"], erased.counts["gone_erased"]) == (3, 3)
    assert stored(committed) == kept - {"q1", "q2", "q3"}
    again = import_(committed, records(FIRST))
    assert (again.created, again.unchanged, again.counts["erased"]) == (0, 37, 3)


def test_nothing_is_erased_when_most_of_it_is_gone(committed: Factory) -> None:
    import_(committed, records(FIRST))

    cut = import_(committed, records(FIRST[:10]), delete=True)

    assert len(stored(committed)) == 40
    assert "cut off" in (why_kept(cut) or "")


def test_nothing_is_erased_when_a_row_could_not_be_read(committed: Factory) -> None:
    import_(committed, records(FIRST))

    odd = import_(committed, [*records(FIRST[1:], first=2), Reject(1, "odd")], delete=True)

    assert len(stored(committed)) == 40
    assert "could not be read" in (why_kept(odd) or "")


def test_what_the_forum_hides_is_not_gone(committed: Factory) -> None:
    import_(committed, records(FIRST))

    done = import_(committed, [*records(FIRST[1:], first=2), Hidden(1, "deleted", "q1")])

    assert done.counts == {
        "hidden": 1,
        "hidden: deleted": 1,
        "hidden_now": 1,
        "gone": 0,
        "before": 40,
    }


def test_a_resumed_import_has_seen_what_it_saw_before(
    committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 10)
    import_(committed, records(FIRST))
    with committed.begin() as session:
        forum = forums.get_forum(session, "cooks")
        half = archives.create(session, forum.id, name="old.csv", form="csv", top_k=5)
    broken = iter([*records(FIRST[:20]), None])
    with pytest.raises(AttributeError):
        load(committed, forum, half, broken)  # type: ignore[arg-type]
    with committed.begin() as session:
        half = archives.get(session, half.id)
        archives.change(session, half.id, state="running")
    done = load(committed, forum, half, records(FIRST))

    assert (done.unchanged, done.counts["gone"]) == (40, 0)


def test_two_archives_without_a_name_have_nothing_in_common(committed: Factory) -> None:
    import_(committed, records(FIRST), name="upload")

    done = import_(committed, records(FIRST[:5]), name="upload", delete=True)

    assert len(stored(committed)) == 40
    assert "gone" not in done.counts
