"""Stores jobs for every question of a forum again, for example after a change of settings."""

from collections.abc import Callable

from db.engine import Sessions
from db.questions import questions, saving
from db.questions.rows import NewQuestion, QuestionRow
from db.tenants.rows import ForumRow
from db.work import jobs
from db.work.rows import Lane
from worker.live.intake import Submission, question_of

_BATCH = 500


def owe_again(sessions: Sessions, forum: ForumRow, *, on_done: Callable[[int], None]) -> int:
    """Put every question of *forum* into the archive lane and return how many there are.

    The models' text is made again from the forum's present setting. It can be interrupted.
    """
    total = after = 0
    while True:
        with sessions.begin() as session:
            # Locked: else an edit could come in between, and what was read be written over it.
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
    names = Submission.__dataclass_fields__
    submission = Submission(**{name: getattr(row, name) for name in names})
    return question_of(submission, text_fields=forum.text_fields)
