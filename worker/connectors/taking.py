"""Stores the changes from a forum's software: a message changes only the fields that it names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from db.errors import QuestionNotFoundError
from db.questions import questions, saving
from db.questions.rows import Facts, NewQuestion, QuestionRow, Saved
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from worker.connectors.shapes import Change
from worker.text import intake
from worker.text.cuts import cuts_of
from worker.text.intake import FieldError, Submission

_KEPT = ("title", "body", "url", "category", "author", "asked_at", "visible")


def take(session: Session, forum: ForumRow, change: Change, *, lane: Lane) -> Saved | None:
    """Store the change of a message; None if the question is new and the message is not enough.

    The same message again changes nothing. Raises `FieldError` if a field cannot be stored.
    """
    try:
        stored = questions.get(session, forum.id, change.external_id)
        # Two messages may name different fields of one question, so they are handled one after the
        # other.
        questions.lock(session, [stored.id])
        stored = questions.get(session, forum.id, change.external_id)
    except QuestionNotFoundError:
        is_shown = change.fields.get("visible") is not False and change.fields.get("title")
        if change.is_part or not is_shown:
            return None
        stored = None
    item = _question(forum, change, stored)
    return saving.save(session, forum, [item], lane=lane)[0]


def take_all(
    session: Session, forum: ForumRow, changes: Sequence[Change], *, lane: Lane
) -> tuple[int, int]:
    """Store a page of old questions; return how many need work and how many were refused.

    A question is refused if a field cannot be stored.
    """
    owed = refused = 0
    for change in changes:
        try:
            saved = take(session, forum, change, lane=lane)
        except FieldError:
            refused += 1
            continue
        owed += saved is not None and saved.owes_work
    return owed, refused


def _question(forum: ForumRow, change: Change, stored: QuestionRow | None) -> NewQuestion:
    known: dict[str, Any] = {}
    if stored is not None:
        known = {name: getattr(stored, name) for name in _KEPT}
        known["facts"] = Facts.of(stored.facts)
    submission = Submission(external_id=change.external_id, **(known | _fields(change, known)))
    cuts = cuts_of(forum.prefixes, forum.boilerplate)
    return intake.question_of(submission, text_fields=forum.text_fields, cuts=cuts)


def _fields(change: Change, known: Mapping[str, Any]) -> dict[str, Any]:
    new_fields = dict(change.fields)
    new, old = new_fields.get("facts"), known.get("facts")
    if isinstance(new, Facts) and isinstance(old, Facts):
        named = {
            name: getattr(new, name)
            for name in Facts.__dataclass_fields__
            if getattr(new, name) not in (None, ())
        }
        new_fields["facts"] = replace(old, **named)
    if not isinstance(new_fields.get("title"), str):
        new_fields["title"] = known.get("title") or ""
    return new_fields
