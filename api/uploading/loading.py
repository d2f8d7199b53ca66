"""Lets a separate process read an upload, and supervises it.

The process is ended when its archive is paused or cancelled, when its time is over, when it gives
no sign of life, and when this process ends. The archive's row always has the result.
"""

import errno
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

import anyio
import psutil
import structlog
from anyio import to_thread
from anyio.abc import Process

from api.http.errors import DiskFullError
from db.archives import archives, reading
from db.archives.archives import ArchiveState
from db.engine import FAILURES, Sessions
from db.errors import ConflictError, InvalidInputError, ServiceError, TransientError
from worker.archives.load_job import LoadJob, LoadReport, Outcome

_COMMAND = (sys.executable, "-m", "worker.archives.loading.load_process")
_LOOK_S = 1.0
_GRACE_S = 5.0
_REPORT_LENGTH = 1 << 16
_BUSY_SHARE = 0.5
"""A reader that had a processor for less than this share of its time was kept waiting by others."""
_CROWDED_RETRY_S = 60
_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM)
"""Exit codes of a process that another one ended. No file can cause them: its memory is limited."""

log = structlog.get_logger()


class Reader:
    """A process that reads an upload."""

    def __init__(
        self,
        sessions: Sessions,
        threads: anyio.CapacityLimiter,
        *,
        time_limit_s: float,
        silence_limit_s: float,
    ) -> None:
        self._sessions = sessions
        self._threads = threads
        self._time_limit_s = time_limit_s
        self._silence_limit_s = silence_limit_s
        self._heard_at = anyio.current_time()
        self._had_s = 0.0
        """Seconds of processor time that the process had used at its last sign of life."""
        self._report: LoadReport | None = None
        self._archive_id: int | None = None
        self._stopped: ServiceError | None = None

    async def read(self, job: LoadJob) -> int:
        """Return the id of the archive when all of it is stored.

        Raises `InvalidInputError`, `ConflictError`, `TransientError` and `DiskFullError`.
        """
        async with await _started(job) as process:
            try:
                await self._attend(process, job)
            except ExceptionGroup as group:  # the first error is the cause, and has a status
                raise group.exceptions[0] from group
            finally:
                await _end(process)
        return await self._archive(process.returncode)

    async def _attend(self, process: Process, job: LoadJob) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, process)
            await self._talk(process, job)
            await process.wait()
            tasks.cancel_scope.cancel()

    async def _talk(self, process: Process, job: LoadJob) -> None:
        if process.stdin is None or process.stdout is None:
            raise TypeError("the process was started without pipes")
        held = b""
        try:
            await process.stdin.send(job.encoded())
            async for chunk in process.stdout:
                *lines, held = (held + chunk)[:_REPORT_LENGTH].split(b"\n")
                for line in lines:
                    self._hear(line)
                self._heard_at, self._had_s = anyio.current_time(), _processor_s(process)
        except anyio.BrokenResourceError:
            return  # it ended; its exit code says how

    def _hear(self, line: bytes) -> None:
        try:
            report = LoadReport.decoded(line)
        except ValueError:
            log.warning("upload.unreadable_report", archive_id=self._archive_id)
            return
        self._report = report
        self._archive_id = report.archive_id or self._archive_id

    async def _watch(self, process: Process) -> None:
        begun = anyio.current_time()
        while self._stopped is None:
            await anyio.sleep(_LOOK_S)
            self._stopped = await self._in_thread(self._why_stopped)
            now = anyio.current_time()
            if now - begun > self._time_limit_s:
                await self._give_up(self._time_limit_s, _processor_s(process))
            elif now - self._heard_at > self._silence_limit_s:
                await self._give_up(self._silence_limit_s, _processor_s(process) - self._had_s)
        await _end(process)

    async def _give_up(self, after_s: float, had_s: float) -> None:
        self._stopped = error = self._too_late(after_s, had_s)
        await self._in_thread(lambda archive_id: self._fail(archive_id, error))

    def _too_late(self, after_s: float, had_s: float) -> ServiceError:
        """Return the error of a file that took *after_s*, *had_s* of it with a processor."""
        if self._archive_id is None:  # not the file's fault: nobody has read it yet
            said = (
                f"the process that reads the file did not start within {after_s:,.0f} s; try again"
            )
            return TransientError(said, retry_after_s=_CROWDED_RETRY_S)
        if had_s > _BUSY_SHARE * after_s:
            return InvalidInputError(f"reading the file took longer than {after_s:,.0f} s")
        return TransientError(
            f"reading the file got no further within {after_s:,.0f} s: this machine or its database"
            " has too much to do; send it again, what is stored is not stored twice",
            retry_after_s=_CROWDED_RETRY_S,
        )

    async def _in_thread(self, work: Callable[[int], ServiceError | None]) -> ServiceError | None:
        if self._archive_id is None:
            return None
        return await to_thread.run_sync(work, self._archive_id, limiter=self._threads)

    def _why_stopped(self, archive_id: int) -> ServiceError | None:
        try:
            with self._sessions.begin() as session:
                state = archives.get(session, archive_id).state
        except FAILURES:  # the next look will show it
            return None
        is_stopped = state in {ArchiveState.PAUSED, ArchiveState.CANCELLED}
        return ConflictError(f"archive {archive_id} is {state}") if is_stopped else None

    async def _archive(self, code: int | None) -> int:
        report = self._report
        is_stored = report is not None and report.outcome is Outcome.STORED
        if is_stored and self._archive_id is not None:
            return self._archive_id
        error = self._stopped or _error_of(report, code)
        log.info("upload.not_read", archive_id=self._archive_id, error=type(error).__name__)
        await self._in_thread(lambda archive_id: self._fail(archive_id, error))
        raise error

    def _fail(self, archive_id: int, error: ServiceError) -> None:
        try:
            with self._sessions.begin() as session:
                reading.fail(session, archive_id, str(error))
        except FAILURES:  # the sweep fails it later
            log.warning("archive.failure_not_noted", archive_id=archive_id)


async def _started(job: LoadJob) -> Process:
    try:
        return await anyio.open_process(
            _COMMAND, stderr=None, pass_fds=[job.fd], start_new_session=True
        )
    except OSError as error:  # no room for another process, or for another file
        log.warning("upload.no_process", error=errno.errorcode.get(error.errno or 0))
        raise TransientError("no process could be started to read the file; try again") from error


def _processor_s(process: Process) -> float:
    """Return for how many seconds a process had a processor."""
    try:
        times = psutil.Process(process.pid).cpu_times()
    except psutil.Error:  # it has just ended
        return 0.0
    return float(times.user + times.system)


_ERRORS: Mapping[Outcome, type[ServiceError]] = {
    Outcome.INVALID: InvalidInputError,
    Outcome.STOPPED: ConflictError,
    Outcome.DISK_FULL: DiskFullError,
    Outcome.AWAY: TransientError,
}


def _error_of(report: LoadReport | None, code: int | None) -> ServiceError:
    """Return the error of a file that was not stored; none of them is the service's own (500)."""
    if report is not None and (kind := _ERRORS.get(report.outcome)):
        return kind(report.reason)
    how = _how_ended(code)
    if report is None:  # it had not begun to read the file
        return TransientError(f"the process that reads the file ended ({how}); try again")
    kind = TransientError if code in _FROM_OUTSIDE else InvalidInputError
    return kind(f"reading it ended the process that read it ({how})")


def _how_ended(code: int | None) -> str:
    try:
        return signal.Signals(-(code or 0)).name
    except ValueError:
        return f"code {code}"


async def _end(process: Process) -> None:
    """End the process. It is asked first, so that it can write the reason into its archive."""
    with anyio.CancelScope(shield=True):
        for ask in (process.terminate, process.kill):
            if process.returncode is not None:
                return
            with suppress(ProcessLookupError):
                ask()
            with anyio.move_on_after(_GRACE_S):
                await process.wait()
