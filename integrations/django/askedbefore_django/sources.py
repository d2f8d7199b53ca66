"""Sources: classes that say where the questions of a forum are.

A forum of your own needs a class like this, named in ``ASKEDBEFORE["SOURCES"]``::

    class Topics(Source):
        model = "board.Topic"
        title = "subject"
        body = "first_post.text"
        visible = "is_public"
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from askedbefore_client import Action, Question
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.module_loading import import_string

from askedbefore_django.conf import conf

_LENGTHS = {"title": 2_000, "body": 100_000, "category": 200, "author": 200}
"""The longest texts that the service accepts, in characters."""


class CannotError(Exception):
    """The forum cannot carry this action out. Its moderators see the message."""


class Source:
    """Questions of one model. The name of a field may follow relations: ``author.username``."""

    model: ClassVar[str]
    """The model's label, such as ``askbot.Post``."""
    title: ClassVar[str] = "title"
    body: ClassVar[str] = ""
    url: ClassVar[str] = "get_absolute_url"
    category: ClassVar[str] = ""
    author: ClassVar[str] = ""
    asker: ClassVar[str] = ""
    """The user who asked. Only this user may object; without the field nobody can."""
    asked_at: ClassVar[str] = ""
    visible: ClassVar[str] = ""
    """Without it every question is visible."""
    answers: ClassVar[str] = ""
    accepted: ClassVar[str] = ""
    """Whether an answer is accepted. Answered questions are suggested first."""
    votes: ClassVar[str] = ""
    tags: ClassVar[str] = ""
    is_html: ClassVar[bool] = False
    """Whether the body is HTML, whose tags are not sent."""
    prefix: ClassVar[str] = ""
    """Text before the primary key in the question's id, if a forum has several sources."""
    title_selector: ClassVar[str] = "#id_title"
    sign_in: ClassVar[str] = ""
    """The URL of the page to sign in at, or its name; without it `LOGIN_URL`."""
    ask_views: ClassVar[tuple[str, ...]] = ()
    """Names of the URLs of the ask pages, for the middleware."""

    def queryset(self) -> QuerySet[Any]:
        """Return all questions, also hidden ones."""
        return self.model_class()._default_manager.all()  # noqa: SLF001  # its documented name

    def also(self) -> Mapping[str, Callable[[Any], Iterable[Any]]]:
        """Return other models, each with a function from a row to the keys of its questions."""
        return {}

    def find(self, key: str) -> Any:
        """Return the question with this primary key, or None."""
        try:
            return self.queryset().filter(pk=key).first()
        except (ValueError, OverflowError, ValidationError):  # the text cannot be such a key
            return None

    def model_class(self) -> type[Model]:
        """Return the model."""
        found: type[Model] = apps.get_model(self.model)
        return found

    def is_question(self, instance: Any) -> bool:
        """Return whether a row of the model is a question."""
        return True

    def question(self, instance: Any) -> Question:
        """Return a question as the service takes it."""
        text = {name: self._text(instance, name) for name in _LENGTHS}
        return Question(
            id=self.id_of(instance.pk),
            title=text["title"],
            body=text["body"],
            category=text["category"] or None,
            author=text["author"] or None,
            url=conf().site_url.rstrip("/") + str(self.value(instance, "url")),
            asked_at=_moment(self.value(instance, "asked_at")),
            visible=bool(self.value(instance, "visible")) if self.visible else True,
            answers=self.value(instance, "answers"),
            accepted=bool(self.value(instance, "accepted")) if self.accepted else None,
            votes=self.value(instance, "votes"),
            tags=tuple(self.value(instance, "tags")) if self.tags else None,
            closed=self.is_closed(instance),
        )

    def value(self, instance: Any, name: str) -> Any:
        """Return a field of the question, or None if the source does not name one."""
        found = instance
        for step in filter(None, getattr(self, name).split(".")):
            found = getattr(found, step, None)
            found = found() if callable(found) else found
        return None if found is instance else found

    def id_of(self, key: object) -> str:
        """Return the id of a question at the service."""
        return f"{self.prefix}{key}"

    def key_of(self, question_id: str) -> str | None:
        """Return the primary key of a question from its id; None if it is not of this source."""
        if not question_id.startswith(self.prefix):
            return None
        return question_id.removeprefix(self.prefix)

    def is_asker(self, instance: Any, user: Any) -> bool:
        """Return whether a signed-in user has asked the question."""
        asked = self.value(instance, "asker")
        return asked is not None and getattr(asked, "pk", asked) == user.pk

    def words(self, action: Action) -> str:
        """Return the text that readers of a question see about an action."""
        title = self._title_of(action.canonical_id)
        return conf().words(action, title, self._objection_url(action))

    def _title_of(self, question_id: str | None) -> str:
        """Return the title of a question if everybody may read it, otherwise an empty text."""
        key = self.key_of(question_id) if question_id is not None else None
        row = self.find(key) if key is not None else None
        is_shown = row is not None and (not self.visible or self.value(row, "visible"))
        return self._text(row, "title") if is_shown else ""

    def _objection_url(self, action: Action) -> str | None:
        """Return the URL of the forum's page that redirects the asker to an objection, or None."""
        try:
            path = reverse("askedbefore:objection", args=[action.id])
        except NoReverseMatch:  # the forum does not include the URLs of this application
            return None
        return conf().site_url.rstrip("/") + path if self.asker else None

    def is_closed(self, instance: Any) -> bool | None:
        """Return whether the question is closed; None if this forum cannot close questions."""
        return None

    def close(self, instance: Any, action: Action) -> dict[str, Any]:
        """Close a question as a duplicate and link to the canonical one.

        Returns the data that `reopen` needs to undo it. Raises `CannotError`.
        """
        raise CannotError(f"{type(self).__name__} does not close questions")

    def reopen(self, instance: Any, left: Mapping[str, Any]) -> None:
        """Undo what `close`, `note` or `label` did, which returned *left*. Raises `CannotError`."""
        raise CannotError(f"{type(self).__name__} does not reopen questions")

    def note(self, instance: Any, action: Action) -> dict[str, Any]:
        """Link to the other question without closing this one. Raises `CannotError`."""
        raise CannotError(f"{type(self).__name__} does not write notes")

    def label(self, instance: Any, action: Action) -> dict[str, Any]:
        """Label a question as a possible duplicate. Raises `CannotError`."""
        raise CannotError(f"{type(self).__name__} does not label questions")

    def _text(self, instance: Any, name: str) -> str:
        text = str(self.value(instance, name) or "")
        if name == "body" and self.is_html:
            text = strip_tags(text)
        return text[: _LENGTHS[name]]


@cache
def sources() -> Mapping[str, Source]:
    """Return the sources of the settings by their import paths."""
    return {path: import_string(path)() for path in conf().sources}


def _moment(value: datetime | None) -> datetime | None:
    """Return a time with its zone; None if it is in the future."""
    if value is None:
        return None
    aware = timezone.make_aware(value) if timezone.is_naive(value) else value
    return aware if aware <= timezone.now() else None
