"""A command whose transaction met another one is run again, and nobody hears of it."""

import sys
from collections.abc import Callable

import psycopg2
import pytest
from pydantic import ValidationError
from sqlalchemy.exc import DataError, OperationalError

from api.settings import ApiSettings
from cli import main
from db.errors import InvalidInputError


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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InvalidInputError("a threshold is a probability"), "a threshold is a probability"),
        (DataError("UPDATE", {}, Exception("integer out of range\n")), "integer out of range"),
        (OperationalError("SELECT", {}, Exception("no route to host\n")), "no route to host"),
        (OSError(36, "File name too long", "a.csv"), "a.csv: File name too long"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_what_a_user_can_correct_is_one_sentence_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    def run() -> None:
        raise error

    monkeypatch.setattr(main, "app", run)

    with pytest.raises(SystemExit) as ended:
        main.main()

    told = capsys.readouterr().err
    assert ended.value.code == 1
    assert told.startswith("askedbefore: ")
    assert told.endswith(f"{said}\n")
    assert "Traceback" not in told


@pytest.mark.parametrize("is_given", [True, False])
def test_a_word_that_is_not_in_utf_8_is_named_and_anything_else_is_our_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, is_given: bool
) -> None:
    monkeypatch.setattr(main, "app", "caf\udce9".encode)
    monkeypatch.setattr(sys, "argv", ["askedbefore", "caf\udce9" if is_given else "café"])

    with pytest.raises(SystemExit if is_given else UnicodeEncodeError):
        main.main()

    assert ("a word of the command is not in UTF-8: 'caf\\udce9'" in capsys.readouterr().err) == (
        is_given
    )


def test_a_setting_is_named_as_it_is_written() -> None:
    with pytest.raises(ValidationError) as caught:
        ApiSettings.model_validate({"redis_url": "redis://x/0", "secret_key": "short"})

    told = main._settings_errors(caught.value)  # noqa: SLF001  # pure

    assert "secret_key must have at least 32 characters" in told
    assert "short" not in told
    missing = main._settings_errors(_error_of({"redis_url": "redis://x/0"}))  # noqa: SLF001
    assert missing.startswith("  ASKEDBEFORE_SECRET_KEY ")


def _error_of(values: dict[str, str]) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        ApiSettings.model_validate(values)
    return caught.value
