"""Checks of models, workers, archives, webhooks and forums, and of the work that waits."""

from cli.examining.finding import FaultError, Patient
from db import facts
from db.vectors import embeddings, models, partitions
from db.vectors.rows import ModelKind
from db.wording import counted
from db.work import backlog, jobs, workers
from worker.matching.memory import MIB, VectorMemory

_LATE_S = 300.0
_PROOFS_MISSED = 3
_SLOW_MS = 5_000


def active_models(patient: Patient) -> str:
    """Say which models are active."""
    with patient.sessions.begin() as session:
        active = [models.find_active(session, kind) for kind in ModelKind]
    if None in active:
        raise FaultError("no model is active yet", "start a worker: `askedbefore worker`")
    return ", ".join(model.name for model in active if model is not None)


def index(patient: Patient) -> str:
    """Say whether the vector index of the active model can be used."""
    with patient.sessions.begin() as session:
        model = models.find_active(session, ModelKind.BI_ENCODER)
        if model is None:
            return "no model is active"
        is_valid = partitions.is_valid(session, model.id)
        missing = embeddings.count_unembedded(session, model.id)
        fit = VectorMemory(patient.settings.vector_memory_mb * MIB).largest(model.dimension or 1)
        is_needed = partitions.is_needed(session, model.id, fit=fit)
    if is_valid is False:
        raise FaultError(
            "the vector index is broken: an attempt to build it was interrupted",
            f"run `askedbefore models activate {model.id}`, which builds it again",
        )
    if is_valid is None and is_needed:
        raise FaultError(
            "there is no vector index, and not every forum fits into a worker's memory",
            "wait until the running import is done, or run `askedbefore models activate"
            f" {model.id}`",
        )
    state = "usable" if is_valid else "not needed: workers search in memory"
    return f"{state}; {counted(missing, 'question has', 'questions have')} no vector yet"


def proved(patient: Patient) -> str:
    """Say which workers have run their models lately."""
    within_s = _PROOFS_MISSED * patient.settings.proof_s
    with patient.sessions.begin() as session:
        proofs = workers.proved_lately(session, within_s=within_s)
        active = {kind: models.find_active(session, kind) for kind in ModelKind}
    if not proofs:
        raise FaultError(
            f"no worker has run its models in the last {within_s} s",
            "start `askedbefore worker`, or read its log; the first start takes about a minute",
        )
    names = {model.name for model in active.values() if model is not None}
    for proof in proofs:
        if names and not {proof.bi_encoder, proof.reranker} <= names:
            raise FaultError(
                f"worker {proof.worker} runs {proof.bi_encoder} and {proof.reranker}, which are"
                " not the active models",
                "it should switch with its next batch; if it does not, restart it",
            )
        if "export failed" in proof.device:
            raise FaultError(
                f"worker {proof.worker} runs its models in PyTorch ({proof.device})",
                "read `model.not_exported` in its log; the export needs 1.3 GB of memory once",
            )
        if proof.proof_ms > _SLOW_MS:
            raise FaultError(
                f"worker {proof.worker} needed {proof.proof_ms:,.0f} ms for one pair",
                "its machine is too busy or has too little memory: give it cores or memory, or set"
                " ASKEDBEFORE_THREADS",
            )
    able = counted(len(proofs), "worker is ready", "workers are ready")
    return f"{able}; the latest proof took {proofs[0].proof_ms:.0f} ms"


def waiting(patient: Patient) -> str:
    """Say for how long the oldest work has waited."""
    with patient.sessions.begin() as session:
        ages = backlog.oldest_due_s(session)
    late = {lane: age for lane, age in ages.items() if lane == "live" and age > _LATE_S}
    if late:
        raise FaultError(
            f"the oldest new question has waited for {counted(round(late['live'] / 60), 'minute')}",
            "add workers with `--lanes check,live`, or read the logs of the running ones",
        )
    return ", ".join(f"{lane} {age:.0f} s" for lane, age in sorted(ages.items())) or "nothing waits"


def set_aside(patient: Patient) -> str:
    """Say how many questions failed for good."""
    with patient.sessions.begin() as session:
        failed = sum(count for _, state, count in jobs.counts(session) if state == "failed")
        last = facts.last_errors(session.connection(), limit=1)
    if failed:
        why = f"; the last one: {last[0].error}" if last else ""
        raise FaultError(
            f"{counted(failed, 'question is', 'questions are')} set aside{why}",
            "remove the cause, then run `askedbefore retry`",
        )
    return "nothing"


def archives(patient: Patient) -> str:
    """Say how many archives are not done, if none is stuck."""
    with patient.engine.connect() as connection:
        found = facts.unfinished_archives(connection)
    for one in found:
        if one.state == "failed":
            raise FaultError(
                f"archive {one.id} of {one.forum} could not be read: {one.error}",
                f"correct the file and import it again; `askedbefore archives cancel {one.id}` ends"
                " this message",
            )
        if one.stuck:
            raise FaultError(
                f"archive {one.id} of {one.forum} has {counted(one.stuck, 'unit')} that failed five"
                " times",
                f"read `archive.unit_failed` in the workers' logs, then `askedbefore archives"
                f" pause {one.id}` and `resume`",
            )
    return f"{len(found)} not done" if found else "all done"


def webhooks(patient: Patient) -> str:
    """Say whether webhooks arrive."""
    with patient.engine.connect() as connection:
        found = facts.webhooks(connection)
    for one in found:
        if one.is_disabled:
            raise FaultError(
                f"a webhook of {one.forum} to {one.url} is switched off: {one.notice or 'by hand'}",
                "repair the receiver, then enable the webhook on the Settings page",
            )
        if one.late:
            raise FaultError(
                f"more than ten minutes late: {counted(one.late, 'delivery', 'deliveries')} to"
                f" {one.url}",
                "read the receiver's answers in the log on the Settings page; check that workers"
                " and the beat run",
            )
    return f"{len(found)} in order"


def forums(patient: Patient) -> str:
    """Say whether a forum cannot be used with its present settings."""
    with patient.engine.connect() as connection:
        found = facts.forums(connection)
    for one in found:
        if one.pending >= one.pending_limit:
            raise FaultError(
                f"{one.name} refuses questions: {one.pending:,} wait, and its limit is"
                f" {one.pending_limit:,}",
                f"add workers, or run `askedbefore forums set {one.name} --pending-limit N`",
            )
        if not one.has_key:
            raise FaultError(
                f"{one.name} has no valid key",
                f"run `askedbefore keys create --forum {one.name} --scope submit`",
            )
        if not one.has_people:
            raise FaultError(
                f"{one.name} has no moderator",
                f"run `askedbefore people add NAME --forum {one.name} --role admin`",
            )
    return f"{len(found)} in order"
