"""Queries on the known models; one of each kind is active."""

from collections.abc import Mapping

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.engine import run_alone
from db.errors import NotFoundError
from db.tables.questions import Model
from db.vectors.rows import ModelKind, ModelRow

_LOCK = 7_302_563
_ACTIVE = "SELECT kind, id FROM models WHERE active"


def _row(model: Model) -> ModelRow:
    return ModelRow(
        id=model.id,
        kind=ModelKind(model.kind),
        name=model.name,
        digest=model.digest,
        dimension=model.dimension,
        calibration=model.calibration,
        active=model.active,
        created_at=model.created_at,
    )


def ensure_model(
    session: Session,
    *,
    kind: ModelKind,
    name: str,
    digest: str,
    dimension: int | None = None,
    calibration: Mapping[str, object] | None = None,
) -> ModelRow:
    """Return the model with this digest; it is added if it is new.

    A *calibration* replaces the stored one. Only one transaction at a time runs this: two that add
    a model, and then its partition, would wait for each other.
    """
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    statement = insert(Model).values(
        kind=kind, name=name, digest=digest, dimension=dimension, calibration=calibration
    )
    if calibration is None:
        session.execute(statement.on_conflict_do_nothing(index_elements=["kind", "digest"]))
    else:
        new = statement.excluded.calibration
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["kind", "digest"],
                set_={"calibration": new},
                where=Model.calibration.is_distinct_from(new),
            )
        )
    found = session.execute(select(Model).where(Model.kind == kind, Model.digest == digest))
    return _row(found.scalar_one())


def list_models(session: Session) -> list[ModelRow]:
    """Return every model, oldest first."""
    return [_row(model) for model in session.execute(select(Model).order_by(Model.id)).scalars()]


def find_active(session: Session, kind: ModelKind) -> ModelRow | None:
    """Return the active model of this kind, or None if none was activated yet."""
    found = session.execute(select(Model).where(Model.kind == kind, Model.active))
    model = found.scalar_one_or_none()
    return _row(model) if model else None


def active_ids(session: Session) -> dict[ModelKind, int]:
    """Return the id of the active model of each kind that has one."""
    return {ModelKind(kind): model_id for kind, model_id in run_alone(session, _ACTIVE, None)}


def _get(session: Session, model_id: int) -> Model:
    model = session.get(Model, model_id)
    if model is None:
        raise NotFoundError(f"there is no model {model_id}; `askedbefore models list` shows them")
    return model


def get_model(session: Session, model_id: int) -> ModelRow:
    """Return a model; raises `NotFoundError`."""
    return _row(_get(session, model_id))


def activate(session: Session, model_id: int) -> ModelRow:
    """Make this the active model of its kind; raises `NotFoundError`."""
    model = _get(session, model_id)
    # In this order, because a unique index allows only one active model of a kind.
    session.execute(
        update(Model).where(Model.kind == model.kind, Model.active).values(active=False)
    )
    session.execute(update(Model).where(Model.id == model_id).values(active=True))
    session.refresh(model)
    return _row(model)
