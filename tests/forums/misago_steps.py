"""Run by Misago's own Python: one step on real threads; prints JSON."""

import json
import sys
from typing import Any

import django

django.setup()

from misago.categories.models import Category  # noqa: E402  # Django must be set up first
from misago.threads.models import Thread  # noqa: E402
from misago.threads.test import post_thread  # noqa: E402


def make() -> dict[str, int]:
    """Post two threads that ask the same, one by one, and one that is private."""
    category = Category.objects.get(slug="first-category")
    titles = ("How do I get good at programming?", "How to become a good programmer?")
    made = {name: post_thread(category, title).pk for name, title in zip("ab", titles, strict=True)}
    private = Category.objects.private_threads()
    return {**made, "private": post_thread(private, "Is this a secret?").pk}


def show(key: str) -> dict[str, Any]:
    """Return what stands in a thread."""
    thread = Thread.objects.get(pk=key)
    posts = thread.post_set.filter(is_event=False).order_by("pk")
    return {
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


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))  # noqa: T201
