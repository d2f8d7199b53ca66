"""Creates users, and questions from a file of JSON lines. Askbot's own Python runs this file.

``python seed_askbot.py QUESTIONS.jsonl``, in the folder of the project, with its settings.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

ADMIN, ASKER, PASSWORD = "admin", "asker", "a password for the demo"


def user(name: str, status: str) -> Any:
    """Return a user with the password of the demo."""
    from askbot.models import User  # noqa: PLC0415  # Django must be set up first

    found = User.objects.filter(username=name).first()
    if found is None:
        found = User.objects.create_user(name, f"{name}@forum.example.com", PASSWORD)
        found.set_status(status)
    return found


def titles() -> set[str]:
    """Return the titles of all questions."""
    from askbot.models import Thread  # noqa: PLC0415  # Django must be set up first

    return set(Thread.objects.values_list("title", flat=True))


def main() -> None:
    """Create the users and questions that do not exist yet."""
    import django  # noqa: PLC0415  # other modules that import this one have no Django

    django.setup()
    from django.db import transaction  # noqa: PLC0415  # as above

    user(ADMIN, "d")
    asker = user(ASKER, "a")
    there = titles()
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["title"] in there:  # asked by an earlier, interrupted run
            continue
        with transaction.atomic():
            asker.post_question(
                title=row["title"],
                body_text=row.get("body") or row["title"],
                tags=row.get("category", "question").replace(" ", "-"),
                timestamp=datetime.fromisoformat(row["asked_at"]),
            )


if __name__ == "__main__":
    main()
