"""Carries out the service's actions and confirms them. Call it only with the lease."""

import logging
from typing import Any

from askedbefore_client import Action, Client, ConflictError, NotFoundError
from django.db import OperationalError, transaction

from askedbefore_django.models import Done
from askedbefore_django.sources import CannotError, Source, sources

_REASON_LENGTH = 500

log = logging.getLogger(__name__)

OBJECTION = "objection"
"""Key in `Done.left`: the path at the service where the asker can object."""
APPLIED, FAILED, REVERTED, TAKEN_BACK = "applied", "failed", "reverted", "taken back"


def act_some(client: Client) -> int:
    """Carry out every action that is due and return how many; raises `AskedBeforeError`."""
    count, after = 0, None
    while True:
        page = client.actions(after)
        for action in page.actions:
            carry_out(action)
        count += len(page.actions)
        after = page.next
        if after is None or not page.actions:
            break
    tell(client)
    return count


def carry_out(action: Action) -> Done:
    """Carry out the action, once. An action that has failed earlier is tried again."""
    done: Done | None = Done.objects.filter(action_id=action.id).first()
    if done is not None and done.state != FAILED:
        Done.objects.filter(pk=done.pk).update(
            is_told=False
        )  # the service asks again, so it has no confirmation
        return done
    path, key = _place(action.question_id)
    try:
        with transaction.atomic():
            left = {**_do(action, path, key), OBJECTION: action.objection_path}
            return _write(action, path, key, state=APPLIED, left=left)
    except OperationalError:  # the database is busy or away: the action is tried again later
        raise
    except CannotError as error:
        reason = str(error)
    except Exception as error:  # code of the forum: any error is shown to its people
        log.exception("askedbefore: action %s failed", action.id)
        reason = f"{type(error).__name__}: {error}"
    return _write(action, path, key, state=FAILED, reason=reason)


def tell(client: Client) -> None:
    """Confirm all actions that the service does not know to be done; raises `AskedBeforeError`."""
    for done in Done.objects.filter(is_told=False).order_by("pk"):
        state = APPLIED if done.state == TAKEN_BACK else done.state
        try:
            client.confirm(done.action_id, state, done.reason[:_REASON_LENGTH])
        except (
            NotFoundError,
            ConflictError,
        ) as error:  # its question was erased, or the report is refused
            log.warning("askedbefore: action %s was not confirmed: %s", done.action_id, error)
        Done.objects.filter(pk=done.pk, state=done.state).update(is_told=True)


def note_reopened(path: str, source: Source, row: Any) -> None:
    """Note as reverted the closing of a question that is open again: people have opened it."""
    ours = Done.objects.filter(source=path, object_id=str(row.pk), kind="close", state=APPLIED)
    if source.is_closed(row) is False:
        reason = "a person opened the question again"
        ours.update(state=REVERTED, reason=reason, is_told=False)


def _place(question_id: str) -> tuple[str, str]:
    """Return the source and the primary key of a question. The longest prefix wins."""
    fitting = [
        (len(source.prefix), path, key)
        for path, source in sources().items()
        if (key := source.key_of(question_id)) is not None
    ]
    if not fitting:
        return "", question_id
    _, path, key = max(fitting)
    return path, key


def _do(action: Action, path: str, key: str) -> dict[str, Any]:
    source = sources().get(path)
    row = source.find(key) if source is not None else None
    if source is None or row is None:
        raise CannotError(f"the forum has no question {action.question_id}")
    if action.kind == "reopen":
        return _reopen(source, row, path, key)
    do = {"close": source.close, "note": source.note, "label": source.label}.get(action.kind)
    if do is None:
        raise CannotError(
            f"this version cannot carry out actions of the kind {action.kind}: update it"
        )
    return do(row, action)


def _reopen(source: Source, row: Any, path: str, key: str) -> dict[str, Any]:
    """Undo our own latest action. A question that a person has closed stays closed."""
    ours = Done.objects.filter(source=path, object_id=key, state=APPLIED).exclude(kind="reopen")
    last = ours.order_by("-pk").first()
    if last is None:
        return {"nothing": "it was not closed by this application"}
    source.reopen(row, last.left)
    Done.objects.filter(pk=last.pk).update(state=TAKEN_BACK)
    return {}


def _write(
    action: Action,
    path: str,
    key: str,
    *,
    state: str,
    reason: str = "",
    left: dict[str, Any] | None = None,
) -> Done:
    values = {
        "source": path,
        "object_id": key,
        "kind": action.kind,
        "state": state,
        "reason": reason,
        "left": left or {},
        "is_told": False,
    }
    done: Done = Done.objects.update_or_create(action_id=action.id, defaults=values)[0]
    return done
