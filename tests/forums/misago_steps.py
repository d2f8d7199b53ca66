"""Run by Misago's own Python: one step on real threads; prints JSON."""

import json
import sys
from typing import Any

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402  # Django is set up now
from django.db import transaction  # noqa: E402
from misago.acl.cache import clear_acl_cache  # noqa: E402
from misago.categories.models import Category  # noqa: E402
from misago.threads.models import Thread  # noqa: E402
from misago.threads.test import post_thread  # noqa: E402
from misago.users.avatars import dynamic  # noqa: E402
from misago.users.models import User  # noqa: E402


def make() -> dict[str, Any]:
    """Post two threads that ask the same, one by one, and one that is private."""
    category = Category.objects.get(slug="first-category")
    titles = ("How do I get good at programming?", "How to become a good programmer?")
    made = {name: post_thread(category, title).pk for name, title in zip("ab", titles, strict=True)}
    private = Category.objects.private_threads()
    return {
        **made,
        "private": post_thread(private, "Is this a secret?").pk,
        "path": category.get_absolute_url(),
    }


def sign_in(name: str) -> str:
    """Return the cookie of a session of this user, who is made if needed."""
    user = User.objects.filter(username=name).first()
    if user is None:
        user = User.objects.create_user(name, f"{name}@forum.example.com", "a long password")
        dynamic.set_avatar(user)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "misago.users.authbackends.MisagoBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def find(title: str) -> int:
    """Return the thread with this title."""
    return int(Thread.objects.get(title=title).pk)


def show(key: str) -> dict[str, Any]:
    """Return the texts and states of a thread."""
    thread = Thread.objects.get(pk=key)
    posts = thread.post_set.filter(is_event=False).order_by("pk")
    return {
        "path": thread.get_absolute_url(),
        "closed": thread.is_closed,
        "replies": thread.replies,
        "posts": [post.parsed for post in posts],
    }


def hide(key: str) -> None:
    """Hide a thread."""
    thread = Thread.objects.get(pk=key)
    thread.is_hidden = True
    thread.save()


def edit(key: str) -> None:
    """Change the first post's text."""
    post = Thread.objects.get(pk=key).first_post
    post.original = "Another text than before."
    post.save()


def delete(key: str) -> None:
    """Delete a thread."""
    Thread.objects.get(pk=key).delete()


def shut_category(key: str) -> None:
    """Close the category of a thread: it can be read, and nobody can write there."""
    category = Thread.objects.get(pk=key).category
    category.is_closed = True
    category.save()


def take_from_visitors(key: str) -> None:
    """Take the right to read a thread's category from all, as the page of the admins does."""
    with transaction.atomic():
        Thread.objects.get(pk=key).category.category_role_set.all().delete()
        clear_acl_cache()


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))  # noqa: T201
