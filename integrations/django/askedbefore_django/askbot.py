"""Askbot 0.13: questions are submitted, and closed as duplicates with a link in a comment."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from askedbefore_client import Action
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils import timezone

from askedbefore_django.conf import conf
from askedbefore_django.sources import Source

_REASON_LENGTH = 256
_MODERATOR = "m"
LABEL = "possible-duplicate"
"""The tag of a possible duplicate on which nobody has decided yet."""


class Questions(Source):
    """Askbot's questions: a post of the type ``question`` with its thread."""

    model = "askbot.Post"
    title = "thread.title"
    body = "text"
    tags = "thread.get_tag_names"
    answers = "thread.answer_count"
    accepted = "thread.accepted_answer_id"
    votes = "points"
    asker = "author"
    asked_at = "added_at"
    sign_in = "user_signin"
    ask_views = ("ask",)

    def queryset(self) -> QuerySet[Any]:
        """Return the questions with their threads."""
        rows = super().queryset().filter(post_type="question", thread__isnull=False)
        return rows.select_related("thread", "author")

    def also(self) -> Mapping[str, Callable[[Any], Iterable[Any]]]:
        """Return the model of threads, which have the title and the states closed and deleted."""
        return {"askbot.Thread": self._of_thread}

    def is_question(self, instance: Any) -> bool:
        """Return whether a post is neither an answer nor a comment."""
        return bool(instance.post_type == "question")

    def value(self, instance: Any, name: str) -> Any:
        """Return a field of the question."""
        if name == "author":
            return None if instance.is_anonymous else instance.author.username
        if name == "visible":
            return _is_public(instance)
        return super().value(instance, name)

    visible = "approved"  # see `value`

    def is_closed(self, instance: Any) -> bool:
        """Return whether the thread is closed."""
        return bool(instance.thread.closed)

    def close(self, instance: Any, action: Action) -> dict[str, Any]:
        """Close the question, and link to the canonical one in a comment."""
        bot, thread = actor(), instance.thread
        left = {"comment": self._comment(bot, instance, action), "stays": thread.closed}
        if not thread.closed:
            reason = f"duplicate of {action.canonical_url or 'another question'}"
            thread.set_closed_status(True, bot, timezone.now(), reason[:_REASON_LENGTH])
        return left

    def reopen(self, instance: Any, left: Mapping[str, Any]) -> None:
        """Open the question again, unless a person had closed it, and remove the comment."""
        comment = instance.comments.filter(pk=left.get("comment")).first()
        if comment is not None:
            comment.delete()
            instance.comment_count = max(instance.comment_count - 1, 0)
            instance.save()
        tags = instance.thread.get_tag_names()
        if left.get("tag") in tags:
            self._retag(instance, [tag for tag in tags if tag != left["tag"]])
        if not left.get("stays"):
            bot = actor()
            instance.thread.set_closed_status(False, bot, timezone.now(), "")
        instance.thread.reset_cached_data()

    def note(self, instance: Any, action: Action) -> dict[str, Any]:
        """Link to the other question in a comment, and leave the question open."""
        return {"comment": self._comment(actor(), instance, action), "stays": True}

    def label(self, instance: Any, action: Action) -> dict[str, Any]:
        """Add the tag `LABEL`."""
        tags = instance.thread.get_tag_names()
        if LABEL not in tags:
            self._retag(instance, [*tags, LABEL])
        return {"tag": None if LABEL in tags else LABEL, "stays": True}

    def _retag(self, question: Any, tags: Iterable[str]) -> None:
        bot = actor()
        bot.retag_question(question=question, tags=" ".join(tags), silent=True)

    def _comment(self, bot: Any, question: Any, action: Action) -> int | None:
        if action.canonical_url is None:
            return None
        # No Markdown: by default Askbot's comments are plain text in which URLs become links.
        comment = bot.post_comment(parent_post=question, body_text=self.words(action))
        return int(comment.pk)

    def _of_thread(self, thread: Any) -> Iterable[Any]:
        rows = self.queryset().filter(thread_id=thread.pk)
        return list(rows.values_list("pk", flat=True))


def _is_public(question: Any) -> bool:
    thread = question.thread
    is_hidden = question.deleted or thread.deleted or question.marked_as_spam
    is_approved = question.approved and thread.approved
    return bool(is_approved and not is_hidden and not thread.is_private())


def actor() -> Any:
    """Return the user who closes questions: a moderator without a password, created when needed."""
    users = get_user_model()
    name = conf().actor
    found = users.objects.filter(username=name).first()
    if found is None:
        found = users.objects.create_user(name, email=f"{name}@localhost")
        found.set_status(_MODERATOR)
    return found
