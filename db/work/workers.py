"""Which workers have lately proved that they can infer."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.tables.questions import Heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a worker showed by a real inference."""

    worker: str
    device: str
    bi_encoder: str
    reranker: str
    proof_ms: float


def save_proof(session: Session, proof: Proof) -> None:
    """Keep the latest proof of a worker and forget those a day old."""
    values = {name: getattr(proof, name) for name in Proof.__dataclass_fields__}
    statement = insert(Heartbeat).values(**values, proved_at=func.now())
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["worker"], set_={**values, "proved_at": func.now()}
        )
    )
    session.execute(delete(Heartbeat).where(Heartbeat.proved_at < func.now() - timedelta(days=1)))


def forget_proofs(session: Session) -> None:
    """Forget every proof: whoever gave one is known to run no more."""
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
