"""What becomes of a file whose reader has ended, in one way or another."""

import signal

import anyio
import pytest

from api.http.errors import DiskFullError, status_of
from api.uploading import loading
from api.uploading.loading import Reader
from db.errors import ConflictError, InvalidInputError, ServiceError, TransientError
from worker.archives.load_job import LoadReport, Outcome


def error_of(code: int | None, outcome: Outcome | None = None, reason: str = "") -> ServiceError:
    report = None if outcome is None else LoadReport(outcome=outcome, archive_id=1, reason=reason)
    return loading._error_of(report, code)  # noqa: SLF001  # pure: a table of how it may end


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.INVALID, InvalidInputError),
        (Outcome.STOPPED, ConflictError),
        (Outcome.DISK_FULL, DiskFullError),
        (Outcome.AWAY, TransientError),
    ],
)
def test_the_reader_says_itself_why_it_stopped(outcome: Outcome, kind: type[ServiceError]) -> None:
    error = error_of(0, outcome, "line 7 is broken")

    assert type(error) is kind
    assert str(error) == "line 7 is broken"


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (-9, "SIGKILL"),
        (-signal.SIGSEGV, "SIGSEGV"),
        (1, "code 1"),
        (0, "code 0"),
        (143, "code 143"),
        (None, "code None"),
        (-999, "code -999"),
    ],
)
def test_one_that_says_nothing_is_worth_another_try(code: int | None, how: str) -> None:
    error = error_of(code)

    assert isinstance(error, TransientError)
    assert how in str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (-signal.SIGKILL, TransientError),
        (-signal.SIGTERM, TransientError),
        (128 + signal.SIGTERM, TransientError),
        (-signal.SIGSEGV, InvalidInputError),
        (1, InvalidInputError),
    ],
)
def test_a_file_is_to_blame_only_for_an_end_that_a_file_can_cause(
    code: int, kind: type[ServiceError]
) -> None:
    assert type(error_of(code, Outcome.BEGUN)) is kind


@pytest.mark.parametrize("code", [0, 1, -9, -11, None, 143])
@pytest.mark.parametrize("outcome", [None, *(one for one in Outcome if one is not Outcome.STORED)])
def test_no_end_of_a_reader_is_an_error_of_the_service(
    code: int | None, outcome: Outcome | None
) -> None:
    assert status_of(error_of(code, outcome)) < 600
    assert status_of(error_of(code, outcome)) != 500


@pytest.mark.parametrize(
    ("archive_id", "had_s", "kind"),
    [
        (None, 100.0, TransientError),
        (1, 51.0, InvalidInputError),
        (1, 50.0, TransientError),
        (1, 0.0, TransientError),
    ],
)
def test_a_slow_file_is_told_from_a_machine_that_is_too_full(
    archive_id: int | None, had_s: float, kind: type[ServiceError]
) -> None:
    async def run() -> ServiceError:
        reader = Reader(
            None,  # type: ignore[arg-type]  # nothing is asked of it
            anyio.CapacityLimiter(1),
            time_limit_s=1,
            silence_limit_s=1,
        )
        if archive_id is not None:
            reader._hear(LoadReport(outcome=Outcome.BEGUN, archive_id=archive_id).encoded())  # noqa: SLF001
        return reader._too_late(100.0, had_s)  # noqa: SLF001  # what is said after the limit

    error = anyio.run(run)

    assert type(error) is kind
    assert "100 s" in str(error)
