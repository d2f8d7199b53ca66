"""`askedbefore train`: the commands that train models."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from cli.output import Facts, with_json
from cli.training.tables import show_figures

if TYPE_CHECKING:
    from training.data.pairs import LabelledPair
    from training.measure.report import Figures
    from training.recipes.runs import Data
    from worker.inference.encoder import Encoder

app = typer.Typer(
    help="Train and calibrate models on labelled pairs of questions.\n\nLabelled pairs are a CSV,"
    " TSV, JSONL or Parquet file with the columns question1, question2 and is_duplicate, for"
    " example Quora's published file or the decisions that the console exports. They may also be a"
    " dataset of a hub, hub:NAME#CONFIG:SPLIT, such as hub:sentence-transformers/quora-duplicates."
    " Each run writes one folder: the model, its calibration, metrics.json, run.json, a model card"
    " and charts.",
    no_args_is_help=True,
)
console = Console()

CACHE = Path.home() / ".cache" / "askedbefore"
"""The workers' default, so that no model is exported twice."""

Train = Annotated[str, typer.Option("--train", help="Labelled pairs to train on.")]
Dev = Annotated[
    str | None,
    typer.Option(
        "--dev",
        help="Labelled pairs for choosing the best checkpoint, calibration and report. They must"
        " share no question with --train. Without it, a tenth of --train is kept for this, in whole"
        " connected components.",
    ),
]
Output = Annotated[Path, typer.Option("--output", help="Folder for everything the run writes.")]
Base = Annotated[
    str, typer.Option("--base", help="Weights to start from: folder, bundled name or hub id.")
]
Epochs = Annotated[float, typer.Option(help="How many times each pair is used.")]
Seed = Annotated[int, typer.Option(help="Seed of the split and of every random choice.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")]


@app.command("cross-encoder")
@with_json
def cross_encoder(  # noqa: PLR0913, PLR0917  # a command's options
    train: Train,
    output: Output,
    dev: Dev = None,
    base: Base = "all-MiniLM-L6-v2",
    epochs: Epochs = 1.0,
    batch_size: Annotated[int, typer.Option(help="Pairs in a step.")] = 96,
    learning_rate: Annotated[
        float, typer.Option(help="Highest learning rate, that of the last layer.")
    ] = 1.2e-4,
    schedule: Annotated[
        Literal["linear", "cosine", "constant_with_warmup"],
        typer.Option(help="How the learning rate changes."),
    ] = "linear",
    patience: Annotated[
        int,
        typer.Option(
            help="Stop after this many evaluations on dev in a row without a better result."
        ),
    ] = 3,
    pos_weight: Annotated[
        str | None,
        typer.Option(
            help="Weight of a duplicate in the loss: a number, or `auto`, which divides the other"
            " pairs by the duplicates. It shifts every logit; the calibration corrects the"
            " probabilities afterwards.",
        ),
    ] = None,
    seed: Seed = 1,
    resume: Resume = False,
) -> Facts | None:
    """Train a reranker with binary cross-entropy on both orders, and early stopping on dev's AP.

    Example: askedbefore train cross-encoder --train splits/train.jsonl --dev splits/dev.jsonl
    --output runs/reranker; then: askedbefore models add reranker runs/reranker/model
    """
    from training.recipes import runs  # noqa: PLC0415  # training is heavy and optional
    from training.recipes.cross_encoder import CrossEncoderConfig  # noqa: PLC0415

    data = _load(train, dev, seed)
    config = CrossEncoderConfig(
        base=folder_of(base),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule,
        patience=patience,
        pos_weight=_pos_weight(pos_weight, data.train),
        seed=seed,
    )
    figures = runs.train_cross_encoder(
        config, data, output=output, encoder=load_bi_encoder("all-MiniLM-L6-v2"), resume=resume
    )
    return _show(figures, output)


@app.command("adapter")
@with_json
def adapter_(  # noqa: PLR0913, PLR0917  # a command's options
    train: Train,
    output: Output,
    dev: Dev = None,
    base: Base = "all-mpnet-base-v2",
    rank: Annotated[int, typer.Option(help="Rank of the adapter.")] = 24,
    epochs: Epochs = 2.0,
    batch_size: Annotated[int, typer.Option(help="Pairs in a step.")] = 512,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 6e-4,
    seed: Seed = 1,
    resume: Resume = False,
) -> Facts | None:
    """Train a reranker like that of the profile `accurate`: a low-rank adapter on a frozen MPNet.

    The output is the adapter, and the calibrated reranker made of base and adapter. A GPU takes
    minutes, a CPU days.

    Example: askedbefore train adapter --train splits/train.jsonl
    --dev splits/dev.jsonl --output runs/adapter
    """
    from training.recipes import runs  # noqa: PLC0415  # training is heavy and optional
    from training.recipes.adapter import AdapterConfig  # noqa: PLC0415

    data = _load(train, dev, seed)
    config = AdapterConfig(
        base=folder_of(base),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        rank=rank,
        seed=seed,
    )
    figures = runs.train_adapter(
        config, data, output=output, encoder=load_bi_encoder(base), resume=resume
    )
    return _show(figures, output)


@app.command("sentence-transformer")
@with_json
def sentence_transformer(  # noqa: PLR0913, PLR0917  # a command's options
    train: Train,
    output: Output,
    dev: Dev = None,
    base: Base = "all-MiniLM-L6-v2",
    objective: Annotated[
        Literal["ranking", "contrastive", "both"],
        typer.Option(help="Loss; `both` mixes the two others."),
    ] = "both",
    epochs: Epochs = 1.0,
    batch_size: Annotated[int, typer.Option(help="Pairs in a step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 2e-5,
    seed: Seed = 1,
    resume: Resume = False,
) -> Facts | None:
    """Train a bi-encoder, and measure its AP, recall@k and mining AP.

    Example: askedbefore train sentence-transformer --train splits/train.jsonl --output runs/encoder
    """
    from training.recipes import runs  # noqa: PLC0415  # training is heavy and optional
    from training.recipes.sentence_transformer import (  # noqa: PLC0415
        Objective,
        SentenceTransformerConfig,
    )

    data = _load(train, dev, seed)
    config = SentenceTransformerConfig(
        base=folder_of(base),
        objective=Objective(objective),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
    )
    figures = runs.train_sentence_transformer(config, data, output=output, resume=resume)
    return _show(figures, output)


def load_bi_encoder(name: str) -> "Encoder":
    """Return the bi-encoder *name*, and show a message while it loads."""
    from worker.weights.load import load_encoder  # noqa: PLC0415  # loads the models' stack

    with console.status(f"Loading {name}"):
        return load_encoder(name, device="auto", cache=CACHE)


def _load(train: str, dev: str | None, seed: int) -> "Data":
    """Return the pairs of a run. Only the first process of the run prints notes about them."""
    from training.recipes.ranks import Rank  # noqa: PLC0415  # training is heavy and optional
    from training.recipes.runs import load_data  # noqa: PLC0415

    console.quiet = not Rank().is_first
    data = load_data(train, dev, seed=seed)
    say(data.notes)
    return data


def _pos_weight(wanted: str | None, pairs: "Sequence[LabelledPair]") -> float | None:
    from training.recipes.cross_encoder import balanced_pos_weight  # noqa: PLC0415  # heavy and optional

    if wanted is None:
        return None
    if wanted == "auto":
        weight = balanced_pos_weight(pairs)
        say([f"--pos-weight: a duplicate counts {weight:.2f} times as much as another pair"])
        return weight
    try:
        weight = float(wanted)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise typer.BadParameter("--pos-weight must be `auto` or a number above 0")
    return weight


def folder_of(name: str) -> str:
    """Return the folder of the model *name*; raises `ServiceError` if there is none."""
    from worker.weights.digests import folder_digest  # noqa: PLC0415  # the models' stack
    from worker.weights.load import model_folder  # noqa: PLC0415  # the models' stack

    folder = model_folder(name)
    folder_digest(folder)  # refuses a folder without a model with one sentence
    return str(folder)


def say(lines: Iterable[str]) -> None:
    """Print lines as they are."""
    for line in lines:
        console.print(line, highlight=False, markup=False)


def _show(figures: "Figures", output: Path) -> Facts | None:
    if not figures:  # not the first of the run's processes
        return None
    show_figures(figures, console=console)
    say([f"The results of this run are in {output}."])
    return {"output": output, "figures": figures}
