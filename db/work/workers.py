"""Workers that have run their models lately."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.tables.questions import Heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof: a real run of both models."""

    worker: str
    device: str
    bi_encoder: str
    reranker: str
    proof_ms: float


def save_proof(session: Session, proof: Proof) -> None:
    """Store the latest proof of a worker and delete those older than a day."""
    values = {name: getattr(proof, name) for name in Proof.__dataclass_fields__}
    statement = insert(Heartbeat).values(**values, proved_at=func.now())
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["worker"], set_={**values, "proved_at": func.now()}
        )
    )
    session.execute(delete(Heartbeat).where(Heartbeat.proved_at < func.now() - timedelta(days=1)))


def forget_proof(session: Session, worker: str) -> None:
    """Delete the proof of a worker that ends."""
    session.execute(delete(Heartbeat).where(Heartbeat.worker == worker))


def forget_proofs(session: Session) -> None:
    """Delete every proof, when it is known that no worker runs any more."""
    session.execute(delete(Heartbeat))


def proved_lately(session: Session, *, within_s: int) -> list[Proof]:
    """Return the proofs given within the last *within_s* seconds, latest first."""
    found = session.execute(
        select(Heartbeat)
        .where(Heartbeat.proved_at > func.now() - timedelta(seconds=within_s))
        .order_by(Heartbeat.proved_at.desc())
    ).scalars()
    return [
        Proof(
            worker=beat.worker,
            device=beat.device,
            bi_encoder=beat.bi_encoder,
            reranker=beat.reranker,
            proof_ms=beat.proof_ms,
        )
        for beat in found
    ]
