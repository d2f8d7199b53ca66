"""The resources of one worker process: connections and the active models.

They are made in the child at first use, because a GPU must be used only after the fork.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import structlog

from db.engine import Sessions, make_engine, make_sessions, of_single_statements
from db.errors import IncompatibleModelError
from db.settings import DatabaseSettings
from db.vectors import embeddings, models, partitions
from db.vectors.rows import ModelKind, ModelRow
from db.work import workers
from db.work.rows import Lane
from worker import upkeep
from worker.connectors.carrier import Carrier
from worker.delivery.addresses import WebhookSettings
from worker.delivery.webhooks import Courier
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.live.blame import BrokenModelError
from worker.live.check import Checker
from worker.live.drain import Drain
from worker.live.pipeline import Pipeline
from worker.matching.matcher import Matcher
from worker.matching.memory import MIB, VectorMemory
from worker.matching.models import Limits, Models
from worker.matching.near import Near
from worker.process import alive, tracing
from worker.process.turns import Turns
from worker.queue import Broker, CeleryQueue, Queue, tell_finished
from worker.settings import WorkerSettings
from worker.text import language
from worker.text.normal import seen
from worker.weights.load import load_encoder, load_reranker
from worker.weights.profiles import model_names

if TYPE_CHECKING:
    from worker.archives.searching.products import Search
    from worker.archives.stages.slices import ArchiveWorker

_MEASURED = 64
"""Questions that a worker embeds at its start to measure its speed."""
_AT_ONCE = 2
"""Batches at the same time if more than one is due: one in the models, one in the database."""
PROOF_TEXTS = ("How do I get good at programming?", "How to become a good programmer?")

log = structlog.get_logger()


class Resources:
    """Everything that tasks need, made once in a process."""

    def __init__(self, settings: WorkerSettings, sessions: Sessions, queue: Queue) -> None:
        self.settings = settings
        self.sessions = sessions
        self._single = of_single_statements(sessions)
        self.queue = queue
        self.broker = Broker(settings.redis_url.get_secret_value())
        self.memory = VectorMemory(settings.vector_memory_mb * MIB, sessions=sessions)
        self.turns = Turns()
        self.drains = {lane: self._drain(lane) for lane in (Lane.LIVE, Lane.ARCHIVE)}
        self._models: Models | None = None
        self._loading = threading.Lock()
        self._keeping: threading.Thread | None = None
        self._archives: ArchiveWorker | None = None
        self._importer = ThreadPoolExecutor(1, thread_name_prefix="import")
        self._importing: Future[tuple[Callable[..., Search], type[ArchiveWorker]]] | None = None
        allow_private = WebhookSettings().allow_private
        self.courier = Courier(sessions, allow_private=allow_private)
        self.carrier = Carrier(
            sessions, self.queue, allow_private=allow_private, public_url=settings.public_url
        )
        self._proved_at = 0.0

    def models(self) -> Models:
        """Return the active models; load them at first use, or if others were active before."""
        with self._loading:  # tasks and the watch call this
            held = self._models
            with self._single.begin() as session:
                ids = models.active_ids(session)
            if held is not None and ids == {
                ModelKind.BI_ENCODER: held.bi_encoder.id,
                ModelKind.RERANKER: held.cross_encoder.id,
            }:
                return held
            with self.sessions.begin() as session:
                active = {kind: models.find_active(session, kind) for kind in ModelKind}
            if held is None:
                held = self._load(active, self.settings.bi_encoder, self.settings.reranker)
            else:
                held = self._load(active, None, None)
            self._models = held
        return held

    def pipeline(self) -> Pipeline:
        """Return the pipeline of the active models."""
        return Pipeline(
            self.sessions,
            self.models(),
            self._limits,
            memory=self.memory,
            on_finished=self._tell_finished,
        )

    def checker(self) -> Checker:
        """Return the checker for texts that are not stored."""
        return Checker(self.sessions, self.models(), self._limits, memory=self.memory)

    def archives(self) -> "ArchiveWorker":
        """Return the archive worker with the active models."""
        held = self.models()
        search, archive_worker = self._archive_code()
        if self._archives is None or self._archives.models is not held:
            self._archives = archive_worker(
                self.sessions,
                held,
                search=search(self.settings.device, threads=self.settings.threads),
                lease_s=self.settings.lease_s,
                fit=self.memory.largest(held.encoder.dimension),
                prove=lambda: proof_of(held),
            )
        return self._archives

    def _archive_code(self) -> "tuple[Callable[..., Search], type[ArchiveWorker]]":
        # In a thread, which no time limit of a task interrupts: a half-imported PyTorch cannot be
        # used.
        if self._importing is None:
            self._importing = self._importer.submit(_import_archives)
        try:
            return self._importing.result()
        except ImportError as error:
            raise BrokenModelError("the code for archives cannot be loaded") from error

    def _keep_index(self) -> None:
        """Start a thread that builds or drops the vector index; see `upkeep.keep_index`."""
        if self._keeping is not None and self._keeping.is_alive():
            return
        model = self.models().bi_encoder
        self._keeping = threading.Thread(
            target=upkeep.keep_index,
            args=(self.sessions, model),
            kwargs={"fit": self.memory.largest(model.dimension or 1)},
            daemon=True,
        )
        self._keeping.start()

    def warm(self) -> None:
        """Load the language detector and the largest forums, so that no question waits for them."""
        language.get_ready()
        model = self.models().bi_encoder
        with self.sessions.begin() as session:
            self.memory.warm(session, model)

    def prove(self, *, force: bool = False) -> None:
        """Run both models and record the proof, at most every `proof_s` seconds unless *force*."""
        if not force and time.monotonic() - self._proved_at < self.settings.proof_s:
            return
        held = self.models()
        begun = time.perf_counter()
        proof_of(held)
        proof = workers.Proof(
            worker=self.worker_name,
            device=_runs_on(held) or self.settings.device,
            bi_encoder=held.encoder.name,
            reranker=held.reranker.name,
            proof_ms=(time.perf_counter() - begun) * 1000,
        )
        with self.sessions.begin() as session:
            workers.save_proof(session, proof)
        self._proved_at = time.monotonic()
        alive.tell(self.settings.alive_file)

    def forget_proof(self) -> None:
        """Delete this worker's proof, because the worker ends."""
        with self.sessions.begin() as session:
            workers.forget_proof(session, self.worker_name)

    @property
    def worker_name(self) -> str:
        """Return the name in this process' proofs."""
        return f"{socket.gethostname()}-{os.getpid()}"

    def keep_up(self) -> None:
        """Do the hourly upkeep, and start a thread for the vector index."""
        kept = upkeep.Kept(
            events_days=self.settings.events_days, deliveries_days=self.settings.deliveries_days
        )
        upkeep.hourly(self.sessions, self.models().bi_encoder, kept)
        self._keep_index()

    def _tell_finished(self, ids: Sequence[int]) -> None:
        self.broker.ask(lambda client: tell_finished(client, ids), None)

    @property
    def _limits(self) -> Limits:
        held = self.settings
        return Limits(candidates=held.candidates, kept=held.kept)

    def _drain(self, lane: Lane) -> Drain:
        return Drain(
            lane,
            sessions=self.sessions,
            queue=self.queue,
            slice_s=self.settings.slice_s,
            token_budget=self.settings.token_budget,
            claim_limit=self.settings.claim_limit,
            lease_s=self.settings.lease_s,
            at_once=_AT_ONCE,
        )

    def _load(
        self, active: Mapping[ModelKind, ModelRow | None], bi_encoder: str | None, other: str | None
    ) -> Models:
        settings = self.settings
        options = {
            "device": settings.device,
            "cache": settings.model_cache,
            "threads": settings.threads,
        }
        names = model_names(
            settings.profile,
            settings.model_cache,
            bi_encoder=bi_encoder or _name(active[ModelKind.BI_ENCODER]),
            reranker=other or _name(active[ModelKind.RERANKER]),
        )
        encoder = load_encoder(names.bi_encoder, **options)  # type: ignore[arg-type]
        reranker = load_reranker(names.reranker, **options)  # type: ignore[arg-type]
        loaded = register(self.sessions, encoder, reranker)
        log.info(
            "models.loaded",
            bi_encoder=encoder.name,
            reranker=reranker.name,
            runs_on=_runs_on(loaded),
            questions_per_s=_speed(encoder),
        )
        return loaded


def _import_archives() -> "tuple[Callable[..., Search], type[ArchiveWorker]]":
    # Not at the top, because on a CPU only archives use PyTorch, for the block products.
    from worker.archives.searching.products import search_maker  # noqa: PLC0415
    from worker.archives.stages.slices import ArchiveWorker  # noqa: PLC0415

    return search_maker(), ArchiveWorker


def _runs_on(held: Models) -> str:
    """Return the card or processor, library and precision of the two models."""
    both = (held.encoder, held.reranker)
    return "; ".join(dict.fromkeys(filter(None, (getattr(one, "runs_on", "") for one in both))))


def _speed(encoder: Encoder) -> int:
    """Return how many short questions the bi-encoder reads in a second, measured on a few."""
    texts = [f"{text} ({number})" for number in range(_MEASURED // 2) for text in PROOF_TEXTS]
    encoder.encode(texts)  # a GPU loads its kernels at the first run
    begun = time.perf_counter()
    encoder.encode(texts)
    return round(len(texts) / (time.perf_counter() - begun))


def _name(model: ModelRow | None) -> str | None:
    return None if model is None else model.name


def register(sessions: Sessions, encoder: Encoder, reranker: Reranker) -> Models:
    """Store two loaded models as active, and make a partition for the vectors.

    The partition has no index: upkeep builds one if a forum does not fit into the workers' memory.
    Raises `IncompatibleModelError` if stored questions have no vectors of the bi-encoder yet.
    """
    with sessions.begin() as session:
        bi_encoder = models.ensure_model(
            session,
            kind=ModelKind.BI_ENCODER,
            name=encoder.name,
            digest=encoder.digest,
            dimension=encoder.dimension,
        )
        cross = models.ensure_model(
            session,
            kind=ModelKind.RERANKER,
            name=reranker.name,
            digest=reranker.digest,
            calibration=reranker.calibration.as_dict(),
        )
        partitions.ensure_partition(session, bi_encoder, with_index=False)
        active = models.find_active(session, ModelKind.BI_ENCODER)
        if active not in {None, bi_encoder} and embeddings.count_unembedded(session, bi_encoder.id):
            raise IncompatibleModelError(
                f"stored questions have no vectors of {encoder.name} yet: run"
                f" `askedbefore models add bi-encoder {encoder.name}`, then start the workers again"
            )
        rows = [
            row if row.active else models.activate(session, row.id) for row in (bi_encoder, cross)
        ]
    return Models(encoder=encoder, reranker=reranker, bi_encoder=rows[0], cross_encoder=rows[1])


def proof_of(held: Models) -> float:
    """Run both models, and return the probability of a known duplicate.

    Raises `RuntimeError` if it is not a finite number.
    """
    matcher = Matcher.of(held.encoder, held.reranker, threshold=0.0)  # no logit is left out
    one, other = matcher.encoder.encode(PROOF_TEXTS)
    pair = Near(np.array([0]), np.array([1]), np.array([float(one @ other)]))
    probability = float(matcher.score([seen(text) for text in PROOF_TEXTS], pair).probability[0])
    if not np.isfinite(probability):
        raise RuntimeError("the models return values that are not numbers")
    return probability


@cache
def resources() -> Resources:
    """Return this process' resources, made from the environment at first use."""
    settings = WorkerSettings()
    sessions = make_sessions(make_engine(DatabaseSettings()))
    if settings.traces:
        tracing.set_up("worker")
        tracing.note_in(sessions)
    return Resources(settings, sessions, CeleryQueue(settings.redis_url.get_secret_value()))
