"""Writes every change of a question to the outbox, in the transaction of the change."""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any

from django.apps import apps
from django.db import models, router, transaction
from django.db.models.signals import post_delete, post_save

from askedbefore_django.models import Change
from askedbefore_django.sources import Source, sources

check_of_request: ContextVar[str] = ContextVar("check_of_request", default="")
"""The check whose suggestions the asker saw, while the request with their form is handled."""
_WHOLE = "_askedbefore_saves_whole"


def watch_all() -> None:
    """Watch the models of every source."""
    for path, source in sources().items():
        own = source.model_class()
        _watch(own, path, partial(_own_key, source))
        for label, keys_of in source.also().items():
            _watch(apps.get_model(label), path, keys_of)


def note(path: str, keys: Iterable[Any], *, using: str | None = None, check_id: str = "") -> None:
    """Write changes to the outbox; call it for changes without a signal, like ``update``."""
    database = using or router.db_for_write(Change)
    rows = [Change(source=path, object_id=str(key), check_id=check_id) for key in keys]
    Change.objects.using(database).bulk_create(rows)


def _own_key(source: Source, row: Any) -> list[Any]:
    return [row.pk] if source.is_question(row) else []


def _watch(model: type[models.Model], path: str, keys_of: Callable[[Any], Iterable[Any]]) -> None:
    receiver = partial(_changed, path, keys_of)
    for signal in (post_save, post_delete):
        signal.connect(receiver, sender=model, weak=False, dispatch_uid=(path, model._meta.label))  # noqa: SLF001
    _save_whole(model)


def _changed(
    path: str, keys_of: Callable[[Any], Iterable[Any]], instance: Any, using: str, **given: Any
) -> None:
    if not given.get("raw", False):  # fixtures may be loaded before the rows that they refer to
        check_id = check_of_request.get() if given.get("created") else ""
        note(path, keys_of(instance), using=using, check_id=check_id)


def _save_whole(model: type[models.Model]) -> None:
    """Make each save one transaction with its signals.

    Without ``ATOMIC_REQUESTS`` Django commits the row before it sends the signal; a crash between
    the two would lose the change.
    """
    if getattr(model, _WHOLE, False):
        return
    save_base: Callable[..., None] = model.save_base

    @wraps(save_base)
    def whole(self: models.Model, *args: Any, **kwargs: Any) -> None:
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using):
            save_base(self, *args, **kwargs)

    model.save_base = whole
    setattr(model, _WHOLE, True)
