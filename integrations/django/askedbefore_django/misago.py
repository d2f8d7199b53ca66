"""Misago 0.39: threads are submitted, and closed with a reply that links to the canonical one."""

from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from askedbefore_client import Action
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import urlize

from askedbefore_django.conf import conf
from askedbefore_django.sources import Source

_PRIVATE = "private_threads"
_VISITORS = "anonymous"
"""The role of visitors who are not signed in. A thread is public if this role may read it."""


class Threads(Source):
    """Misago's threads; private ones are never sent."""

    model = "misago_threads.Thread"
    body = "first_post.original"
    category = "category.name"
    author = "starter_name"
    asker = "starter"
    asked_at = "started_on"
    answers = "replies"
    accepted = "best_answer_id"
    visible = "pk"  # see `value`
    title_selector = "#posting-mount .posting-dialog-thread-title input"
    # Misago's form for a new thread opens on the pages that list threads.
    ask_views = tuple(
        f"misago:{page}{rest}"
        for page in ("threads", "category")
        for rest in ("", "-my", "-new", "-unread", "-watched", "-unapproved")
    )

    def queryset(self) -> QuerySet[Any]:
        """Return the threads of all categories but the private ones."""
        from misago.threads.threadtypes import trees_map  # noqa: PLC0415  # only in a Misago forum

        private = trees_map.get_tree_id_for_root(_PRIVATE)
        rows = super().queryset().exclude(category__tree_id=private)
        return rows.select_related("category", "first_post")

    def also(self) -> Mapping[str, Callable[[Any], Iterable[Any]]]:
        """Return the models of posts, which have the body, and of permissions of categories."""
        return {
            "misago_threads.Post": self._of_post,
            "misago_categories.RoleCategoryACL": self._of_permission,
            "misago_categories.CategoryRole": self._of_category_role,
            "misago_acl.Role": self._of_role,
        }

    def value(self, instance: Any, name: str) -> Any:
        """Return a field of the thread."""
        if name == "visible":
            return _is_public(instance)
        return super().value(instance, name)

    def is_closed(self, instance: Any) -> bool:
        """Return whether the thread is closed."""
        return bool(instance.is_closed)

    def close(self, instance: Any, action: Action) -> dict[str, Any]:
        """Reply with a link to the canonical thread, and close this one."""
        from misago.threads.moderation import threads as moderation  # noqa: PLC0415

        request = SimpleNamespace(user=actor())
        left = {
            "post": _reply(request.user, instance, self.words(action)),
            "stays": instance.is_closed,
        }
        moderation.close_thread(request, instance)
        return left

    def reopen(self, instance: Any, left: Mapping[str, Any]) -> None:
        """Open the thread again, unless a person had closed it, and remove the reply."""
        from misago.threads.moderation import threads as moderation  # noqa: PLC0415

        post = instance.post_set.filter(pk=left.get("post")).first()
        if post is not None:
            post.delete()
            _count(instance)
        if not left.get("stays"):
            moderation.open_thread(SimpleNamespace(user=actor()), instance)

    def note(self, instance: Any, action: Action) -> dict[str, Any]:
        """Reply with a link, and leave the thread open."""
        return {"post": _reply(actor(), instance, self.words(action)), "stays": True}

    def _of_post(self, post: Any) -> Iterable[Any]:
        return self._keys(first_post_id=post.pk)

    def _of_permission(self, permission: Any) -> Iterable[Any]:
        """Return the threads of the category, if the permission is one of visitors."""
        if permission.role.special_role != _VISITORS:
            return []
        return self._keys(category_id=permission.category_id)

    def _of_category_role(self, role: Any) -> Iterable[Any]:
        used = role.rolecategoryacl_set.filter(role__special_role=_VISITORS)
        return self._keys(category_id__in=list(used.values_list("category_id", flat=True)))

    def _of_role(self, role: Any) -> Iterable[Any]:
        return self._keys() if role.special_role == _VISITORS else []

    def _keys(self, **which: Any) -> list[Any]:
        rows = self.model_class()._default_manager.filter(**which)  # noqa: SLF001
        return list(rows.values_list("pk", flat=True))


def _is_public(thread: Any) -> bool:
    """Return whether a visitor who is not signed in may read the thread."""
    from misago.acl.useracl import get_user_acl  # noqa: PLC0415
    from misago.cache.versions import get_cache_versions  # noqa: PLC0415
    from misago.users.models import AnonymousUser  # noqa: PLC0415

    if thread.is_hidden or thread.is_unapproved:
        return False
    acl = get_user_acl(AnonymousUser(), get_cache_versions())
    category = acl["categories"].get(thread.category_id, {})
    may_browse = thread.category_id in acl["browseable_categories"]
    return bool(may_browse and category.get("can_see_all_threads"))


def _reply(user: Any, thread: Any, words: str) -> int:
    from misago.threads.checksums import update_post_checksum  # noqa: PLC0415
    from misago.threads.models import Post  # noqa: PLC0415

    now = timezone.now()
    post = Post.objects.create(
        category=thread.category,
        thread=thread,
        poster=user,
        poster_name=user.username,
        original=words,
        parsed=f"<p>{urlize(words, nofollow=False, autoescape=True)}</p>",
        posted_on=now,
        updated_on=now,
    )
    update_post_checksum(post)
    post.save()
    _count(thread)
    return int(post.pk)


def _count(thread: Any) -> None:
    """Count the replies of the thread and its category again."""
    thread.synchronize()
    thread.save()
    thread.category.synchronize()
    thread.category.save()


def actor() -> Any:
    """Return the user who closes threads: one without a password, created when needed."""
    users = get_user_model()
    name = conf().actor
    found = users.objects.filter(username=name).first()
    if found is None:
        found = users.objects.create_user(name, f"{name}@localhost.localdomain")
    if not found.avatars:  # Misago cannot show a page with a user who has no avatar
        from misago.users.avatars import dynamic  # noqa: PLC0415  # only in a Misago forum

        dynamic.set_avatar(found)
    return found
