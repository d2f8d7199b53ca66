"""A command whose transaction met another one is run again, and nobody hears of it."""

from collections.abc import Callable

import psycopg2
import pytest
from sqlalchemy.exc import OperationalError

from cli import main


class CollisionError(psycopg2.OperationalError):
    pgcode = "40P01"


def failing(times: int, cause: Exception) -> Callable[[], None]:
    left = [times]

    def run() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise OperationalError("UPDATE", {}, cause)

    return run


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("deep")])
def test_what_a_file_makes_of_a_command_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def run() -> None:
        raise error

    monkeypatch.setattr(main, "app", run)

    with pytest.raises(SystemExit):
        main.main()

    assert capsys.readouterr().err.startswith("askedbefore: ")


@pytest.mark.parametrize(
    ("times", "cause", "ends"),
    [
        (2, CollisionError(), False),
        (3, CollisionError(), True),
        (1, psycopg2.OperationalError("the server is away"), True),
    ],
)
def test_a_collision_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, times: int, cause: Exception, *, ends: bool
) -> None:
    monkeypatch.setattr(main, "app", failing(times, cause))

    if ends:
        with pytest.raises(SystemExit):
            main.main()
    else:
        main.main()
