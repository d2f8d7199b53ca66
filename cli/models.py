"""`askedbefore models`: the models of the service, and switching to others."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from cli.connect import database
from db.engine import Sessions
from db.vectors import embeddings, models, partitions
from db.vectors.rows import ModelKind, ModelRow
from worker.inference.encoder import Encoder
from worker.live.fill import fill
from worker.matching.memory import MIB, VectorMemory
from worker.settings import WorkerSettings

app = typer.Typer(
    help="List, add and activate models. A new bi-encoder first embeds all stored questions, beside"
    " the old one. Workers switch with their next batch.",
    no_args_is_help=True,
)
console = Console()


@app.command("list")
def list_() -> None:
    """List the models that the service knows."""
    table = Table("id", "kind", "name", "digest", "active")
    with database() as sessions, sessions.begin() as session:
        for model in models.list_models(session):
            active = "yes" if model.active else ""
            table.add_row(str(model.id), model.kind, model.name, model.digest[:12], active)
    console.print(table)


@app.command()
def add(
    kind: Annotated[ModelKind, typer.Argument(help="What the model does.")],
    name: Annotated[
        str, typer.Argument(help="Hub id, sentence-transformers folder or bundled name.")
    ],
) -> None:
    """Load and test a model and add it to the list; a bi-encoder embeds all stored questions."""
    with database() as sessions:
        is_reranker = kind is ModelKind.RERANKER
        model = _add_reranker(sessions, name) if is_reranker else _add_bi_encoder(sessions, name)
    console.print(f"Model {model.id} is ready. Next: askedbefore models activate {model.id}")


def _add_reranker(sessions: Sessions, name: str) -> ModelRow:
    from worker.inference.load import load_reranker  # noqa: PLC0415  # loads the models' stack

    settings = WorkerSettings()
    reranker = load_reranker(name, device=settings.device, cache=settings.model_cache)
    with sessions.begin() as session:
        return models.ensure_model(
            session,
            kind=ModelKind.RERANKER,
            name=reranker.name,
            digest=reranker.digest,
            calibration=reranker.calibration.as_dict(),
        )


def _add_bi_encoder(sessions: Sessions, name: str) -> ModelRow:
    encoder = _load_encoder(name)
    with sessions.begin() as session:
        model = models.ensure_model(
            session,
            kind=ModelKind.BI_ENCODER,
            name=encoder.name,
            digest=encoder.digest,
            dimension=encoder.dimension,
        )
        partitions.ensure_partition(session, model, with_index=False)
    _fill(sessions, encoder, model)
    fit = VectorMemory(WorkerSettings().vector_memory_mb * MIB).largest(encoder.dimension)
    with sessions.begin() as session:
        is_needed = partitions.is_needed(session, model.id, fit=fit)
    if is_needed:
        with console.status("Building the vector index"):
            partitions.build_index(sessions.kw["bind"], model)
    return model


def _load_encoder(name: str) -> Encoder:
    from worker.inference.load import load_encoder  # noqa: PLC0415  # loads the models' stack

    settings = WorkerSettings()
    return load_encoder(name, device=settings.device, cache=settings.model_cache)


def _fill(sessions: Sessions, encoder: Encoder, model: ModelRow) -> None:
    with sessions.begin() as session:
        total = embeddings.count_unembedded(session, model.id)
    with Progress(*Progress.get_default_columns(), console=console) as progress:
        task = progress.add_task("Questions embedded", total=total)
        fill(sessions, encoder, model, on_done=lambda count: progress.advance(task, count))


@app.command()
def activate(
    model_id: Annotated[int, typer.Argument(help="The id, as `models list` shows it.")],
) -> None:
    """Switch to a model. Workers use it from their next batch on; the service keeps running."""
    with database() as sessions:
        with sessions.begin() as session:
            model = models.get_model(session, model_id)
        if model.kind is ModelKind.RERANKER:
            _switch(sessions, model)
            return
        encoder = _load_encoder(model.name)
        _fill(sessions, encoder, model)
        _switch(sessions, model)
        # Questions that came in before the switch may have only a vector of the old model.
        _fill(sessions, encoder, model)


def _switch(sessions: Sessions, model: ModelRow) -> None:
    with sessions.begin() as session:
        models.activate(session, model.id)
    console.print(f"{model.name} is the active {model.kind}.", highlight=False)
