"""Puts every question of a forum into a lane again, for example after a change of settings."""

from collections.abc import Callable

from db.engine import Sessions
from db.questions import questions, saving
from db.questions.rows import NO_FACTS, Facts, NewQuestion, QuestionRow
from db.tenants.rows import ForumRow
from db.work import jobs
from db.work.rows import Lane
from worker.text.cuts import cuts_of
from worker.text.intake import Submission, question_of

_BATCH = 500
_NAMED_OTHERWISE = frozenset({"facts", "updated_at", "version"})
_AS_STORED = tuple(name for name in Submission.__dataclass_fields__ if name not in _NAMED_OTHERWISE)


def owe_again(sessions: Sessions, forum: ForumRow, *, on_done: Callable[[int], None]) -> int:
    """Put every question of *forum* into the archive lane and return how many there are.

    The text for the models is made again with the forum's present settings. *on_done* gets the
    number done so far. This can be interrupted and run again.
    """
    total = after = 0
    while True:
        with sessions.begin() as session:
            # Locked: otherwise an edit could come in between, and the older text would overwrite
            # it.
            rows = questions.list_questions(session, forum.id, after=after, limit=_BATCH, lock=True)
            if not rows:
                return total
            items = [_again(row, forum) for row in rows]
            saving.save(session, forum, items, lane=Lane.ARCHIVE)
            owed = [(row.id, item.tokens) for row, item in zip(rows, items, strict=True)]
            jobs.put(session, owed, forum_id=forum.id, lane=Lane.ARCHIVE)
        total, after = total + len(rows), rows[-1].id
        on_done(total)


def _again(row: QuestionRow, forum: ForumRow) -> NewQuestion:
    submission = Submission(
        **{name: getattr(row, name) for name in _AS_STORED},
        facts=Facts.of(row.facts) if row.facts else NO_FACTS,
        updated_at=row.edited_at,
        version=row.revision,
    )
    cuts = cuts_of(forum.prefixes, forum.boilerplate)
    return question_of(submission, text_fields=forum.text_fields, cuts=cuts)
