"""Works on archives for one slice: claims units, does them, starts the next stages."""

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from db.archives import archives
from db.archives import blocks as archive_blocks
from db.archives import units as archive_units
from db.archives.archives import ArchiveRow, ArchiveState, Stage
from db.archives.units import LostUnitError, Unit
from db.engine import Sessions
from db.tenants import forums
from db.vectors import partitions
from worker.archives.searching.products import Search
from worker.archives.stages.plan import plan_next
from worker.archives.stages.steps import Steps
from worker.live.blame import BrokenModelError, is_moments_fault
from worker.live.blame import reason as reason_of
from worker.matching.models import Models

_BACKOFF_S = 2.0

log = structlog.get_logger()


class ArchiveWorker:
    """Works on all running archives with one bi-encoder and one reranker.

    *prove* raises if the models cannot run any more.
    """

    def __init__(
        self,
        sessions: Sessions,
        models: Models,
        *,
        search: Search,
        lease_s: float,
        fit: int = 0,
        block: int | None = None,
        prove: Callable[[], object] = lambda: None,
    ) -> None:
        self.sessions = sessions
        self.models = models
        self._steps = Steps(sessions, models, search)
        self._lease_s = lease_s
        self._prove = prove
        self._fit = fit
        self._block = block or search.block
        self._building: threading.Thread | None = None

    def run(
        self,
        slice_s: float,
        *,
        on_work: Callable[[], object] = lambda: None,
        is_wanted: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Work for about *slice_s* seconds and return whether there may be more to do now.

        *on_work* is called once if there is a unit to do, so that other workers can join. If
        *is_wanted* returns True, because more urgent work waits, the work stops, also within a
        unit. Raises `BrokenModelError` if the models cannot run any more.
        """
        started, done = time.monotonic(), 0
        while time.monotonic() - started < slice_s:
            unit = self._next()
            if unit is None:
                return False
            if not done:
                on_work()
            self._do(unit, is_wanted)
            done += 1
            if is_wanted():
                break
        return True

    def _next(self) -> Unit | None:
        with self.sessions.begin() as session:
            running = archive_units.active(session)
        for archive_id in running:
            while True:
                with self.sessions.begin() as session:
                    unit = archive_units.claim(session, archive_id, lease_s=self._lease_s)
                if unit is not None:
                    return unit
                if not self._advance(archive_id):
                    break
        return None

    def _do(self, unit: Unit, is_wanted: Callable[[], bool]) -> None:
        try:
            self._steps.do(unit, is_wanted=is_wanted)
        except LostUnitError:
            log.info("archive.unit_lost", unit_id=unit.id)
        except Exception as error:
            if is_moments_fault(error):
                self._release(unit)
                raise
            # A failed unit must not stop the others. It is tried again, each time after a longer
            # wait, and set aside after some attempts; the report counts these units. The error is
            # stored in its row and not logged, because it may quote a question.
            log.warning(
                "archive.unit_failed",
                unit_id=unit.id,
                stage=unit.stage,
                error=type(error).__name__,
            )
            delay_s = _BACKOFF_S * 2**unit.attempts
            with self.sessions.begin() as session:
                archive_units.put_back(session, unit, reason_of(error), delay_s=delay_s)
            self._check()

    def _release(self, unit: Unit) -> None:
        try:
            with self.sessions.begin() as session:
                archive_units.release(session, unit)
        except DBAPIError:
            log.warning("archive.release_failed", unit_id=unit.id)  # the lease ends by itself

    def _check(self) -> None:
        """Raise `BrokenModelError` if the models cannot run any more."""
        try:
            self._prove()
        except Exception as error:
            if is_moments_fault(error):
                raise
            raise BrokenModelError from error

    def _advance(self, archive_id: int) -> bool:
        """Move the archive to its next stage and return whether that was possible."""
        with self.sessions.begin() as session:
            archive = archives.get(session, archive_id, lock=True)
            if archive.state is not ArchiveState.RUNNING or archive.stage in {
                Stage.LOAD,
                Stage.DONE,
            }:
                return False
            if not archive_units.is_stage_done(session, archive_id, archive.stage):
                return False
            if archive.stage is Stage.FINISH and not self.tend(session):
                return False
            self._move(session, archive)
        return True

    def _move(self, session: Session, archive: ArchiveRow) -> None:
        model_id = self.models.bi_encoder.id
        if archive.bi_encoder_id not in {None, model_id} and archive.stage is not Stage.FINISH:
            # Another model is active now, and vectors of two models are never compared: begin
            # again.
            archive_units.forget(session, archive.id, after=Stage.LINK)
            archive = archives.restage(session, archive.id, Stage.LINK)
        archive_units.allow_long_statements(session)
        stage = plan_next(session, archive, model_id, block=self._block)
        forum = forums.find_forums(session, {archive.forum_id})[archive.forum_id]
        archives.change(
            session,
            archive.id,
            stage=stage,
            bi_encoder_id=model_id,
            reranker_id=self.models.cross_encoder.id,
            threshold=self.models.threshold(forum),
        )
        log.info("archive.stage", archive_id=archive.id, stage=stage)
        if stage is Stage.EMBED:
            self._prepare_index(session, archive)
        elif stage is Stage.SEARCH:
            self.tend(session)
        elif stage is Stage.DONE:
            archives.end(session, archive.id)

    def _prepare_index(self, session: Session, archive: ArchiveRow) -> None:
        model_id = self.models.bi_encoder.id
        stored, new = archive_blocks.count_vectors(session, archive.id, model_id)
        partitions.make_way(session, model_id, stored=stored, new=new)

    def tend(self, session: Session) -> bool:
        """Return whether searches are fast: there is a vector index, or no forum needs one.

        Otherwise start building the index, unless an archive is being embedded. A forum with more
        than *fit* vectors needs the index.
        """
        model = self.models.bi_encoder
        if partitions.is_valid(session, model.id):
            return True
        if self._fit and not partitions.is_needed(session, model.id, fit=self._fit):
            return True
        idle = self._building is None or not self._building.is_alive()
        if idle and not archives.is_embedding(session):
            engine = session.get_bind()
            if isinstance(engine, Engine):
                self._building = threading.Thread(
                    target=partitions.build_index, args=(engine, model), daemon=True
                )
                self._building.start()
        return False
