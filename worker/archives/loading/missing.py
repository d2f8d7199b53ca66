"""Questions that an earlier archive of the same name had, and that are gone in this one."""

from dataclasses import dataclass

import structlog

from db.archives import archives
from db.archives.archives import ArchiveRow
from db.engine import Sessions
from db.errors import QuestionNotFoundError
from db.imports import sightings
from db.questions import questions
from db.tenants.rows import ForumRow
from db.wording import counted

NAMELESS = frozenset({"stdin", "upload"})
"""Names that do not identify a source: two archives with such a name are not compared."""
MOST = 0.5
"""If a larger share of the earlier questions is gone, none is erased: the file may be cut off."""
_ALWAYS = 20
_STEP = 100

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Rules of an import beside storing and editing."""

    is_complete: bool = True
    """Whether the file is complete: questions that it lacks are gone from the forum."""
    delete_missing: bool = False
    """Whether questions that are gone are erased here too."""
    with_erased: bool = False
    """Whether questions that were erased here may come back."""
    reads_all: bool = False
    """Whether unchanged rows of an earlier archive are read again too."""


def settle(sessions: Sessions, forum: ForumRow, archive: ArchiveRow, rules: Rules) -> None:
    """Count the questions that are gone, and erase them if *rules* allow it.

    Can be interrupted and run again.
    """
    if not rules.is_complete or archive.name in NAMELESS:
        return
    with sessions.begin() as session:
        gone, total = sightings.settle(session, forum.id, archive.id)
        row = archives.get(session, archive.id, lock=True)
        erased = row.counts.get("gone_erased", 0)
        told = {"gone": gone + erased, "before": total + erased}
        archives.change(session, archive.id, counts={**row.counts, **told})
        row = archives.get(session, archive.id)
    if gone and rules.delete_missing and why_kept(row) is None:
        erase_gone(sessions, forum, archive.id)


def why_kept(row: ArchiveRow) -> str | None:
    """Return why an archive must not erase the questions that are gone; None if it may."""
    gone, before = row.counts.get("gone", 0), row.counts.get("before", 0)
    if row.rejected:
        return f"{counted(row.rejected, 'row')} could not be read and may be among them"
    if gone > max(_ALWAYS, MOST * before):
        return f"that is most of the {before:,} that it had, so the file seems to be cut off"
    return None


def erase_gone(sessions: Sessions, forum: ForumRow, archive_id: int) -> int:
    """Erase the questions that are gone, some at a time, and return how many."""
    done = after = 0
    while True:
        with sessions.begin() as session:
            found = sightings.gone(session, forum.id, archive_id, after=after, limit=_STEP)
            erased = 0
            for _, external_id in found:
                try:
                    questions.erase(session, forum.id, external_id, actor=f"archive {archive_id}")
                except QuestionNotFoundError:
                    continue  # erased by somebody else
                erased += 1
            archives.add_counts(session, archive_id, {"gone_erased": erased})
        done += erased
        if len(found) < _STEP:
            break
        after = found[-1][0]
    log.info("archive.gone_erased", archive_id=archive_id, questions=done)
    return done


_COUNTED = {
    "hidden_now": ("stored question was hidden", "stored questions were hidden"),
    "erased": (
        "question that was erased here was not stored again; --with-erased brings it back",
        "questions that were erased here were not stored again; --with-erased brings them back",
    ),
    "older": (
        "question was left alone: a newer version is stored",
        "questions were left alone: newer versions are stored",
    ),
}


def beside(row: ArchiveRow, rules: Rules) -> list[str]:
    """Return further results of an import, one sentence each."""
    counts = row.counts
    told = [f"{counted(counts[name], *said)}." for name, said in _COUNTED.items() if name in counts]
    gone, erased = counts.get("gone", 0), counts.get("gone_erased", 0)
    if not gone:
        return told
    lacking = f"{counted(gone, 'question is', 'questions are')} gone from the forum"
    if erased:
        return [*told, f"{lacking}; {counted(erased, 'was', 'were')} erased here too."]
    kept = why_kept(row) if rules.delete_missing else None
    if kept is not None:
        return [
            *told,
            f"{lacking}. None was erased: {kept}.",
        ]
    how = f"askedbefore archives gone {row.id}"
    return [
        *told,
        f"{lacking} and still stored here; to list them: {how}",
    ]
