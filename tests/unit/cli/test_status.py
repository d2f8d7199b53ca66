"""What `askedbefore status` shows of the service."""

import io
from typing import Any

import pytest
from rich.console import Console

from cli import status
from cli.status import Status
from db.facts import ForumFacts, Rate
from db.work.rows import Lane


def lanes(*counts: tuple[str, str, int], rates: list[Rate] | None = None) -> dict[str, Any]:
    found = status._lanes(list(counts), {"live": 1.26}, rates or [])  # noqa: SLF001  # pure
    return {one["lane"]: one for one in found}


def test_what_was_set_aside_does_not_wait() -> None:
    found = lanes(
        (Lane.LIVE, "due", 3),
        (Lane.LIVE, "claimed", 2),
        (Lane.LIVE, "failed", 7),
        (Lane.ARCHIVE, "due", 1),
    )

    assert (found["live"]["waiting"], found["live"]["set_aside"]) == (5, 7)
    assert (found["archive"]["waiting"], found["archive"]["set_aside"]) == (1, 0)
    assert (found["live"]["oldest_due_s"], found["archive"]["oldest_due_s"]) == (1.3, 0.0)


def test_a_lane_without_work_is_shown_too() -> None:
    found = lanes(rates=[Rate(lane="archive", last_minute=4, last_hour=99)])

    assert list(found) == ["live", "archive"]
    assert (found["archive"]["done_last_minute"], found["archive"]["done_last_hour"]) == (4, 99)
    assert found["live"]["done_last_hour"] == 0


def shown(now: Status) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(status._page(now))  # noqa: SLF001  # what is drawn
    return out.getvalue()


def forum(name: str, pending: int, *, observes: bool = False) -> ForumFacts:
    values = {"name": name, "pending": pending, "pending_limit": 1_000, "observe_only": observes}
    known = {one: values.get(one, 0) for one in ForumFacts.__dataclass_fields__}
    return ForumFacts(**known)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, 12, 13, 40])
def test_the_busiest_forums_are_shown_and_the_others_counted(count: int) -> None:
    forums = [forum(f"forum-{n:02}", n, observes=n == 0) for n in range(count)]
    now = Status(lanes=[], workers=[], forums=forums, archives=[], last_errors=[])

    page = shown(now)

    assert page.count("forum-") == min(count, 12)
    assert (f"and {count - 12} more" in page) == (count > 12)
    assert ("forum-00" in page) == (0 < count <= 12)
