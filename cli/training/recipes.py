"""`askedbefore train`: the commands that train models and make data for them."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from cli.output import Facts, with_json
from cli.training.tables import show_figures
from db.wording import counted

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


@app.command("split")
@with_json
def split_(
    data: Annotated[str, typer.Argument(help="Labelled pairs, a file or a dataset of a hub.")],
    output: Output,
    seed: Seed = 1,
) -> Facts:
    """Split pairs into train, dev and test. Pairs that share questions are in the same part.

    Example: askedbefore train split quora_duplicate_questions.tsv --output splits
    """
    from training.data.reading import read_pairs  # noqa: PLC0415  # training is heavy and optional
    from training.data.splits import save, split  # noqa: PLC0415

    read = read_pairs(data)
    say(read.summary())
    found = split(read.pairs, seed=seed)
    save(found, output)
    say(f"{name}: {counted(len(pairs), 'pair')}" for name, pairs in found.parts.items())
    return {
        "output": output,
        "pairs": {name: len(pairs) for name, pairs in found.parts.items()},
    }


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
    epochs: Epochs = 2.0,
    batch_size: Annotated[int, typer.Option(help="Pairs in a step.")] = 512,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 6e-4,
    rank: Annotated[int, typer.Option(help="Rank of the adapter.")] = 24,
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


@app.command()
@with_json
def distill(  # noqa: PLR0917  # a command's options
    teacher: Annotated[
        str, typer.Option(help="A strong bi-encoder, the teacher: folder or hub id.")
    ],
    labelled: Annotated[
        str, typer.Option(help="Labelled pairs to fit the teacher's probability on.")
    ],
    questions: Annotated[
        Path, typer.Option(help="Questions without labels: one a line, or a CSV.")
    ],
    output: Annotated[Path, typer.Option(help="JSONL file to write, of pairs with soft labels.")],
    wanted: Annotated[int, typer.Option(help="At most this many pairs.")] = 7_500,
    seed: Seed = 1,
) -> Facts:
    """Label near pairs of questions with a strong bi-encoder, as pairs to train on.

    Example: askedbefore train distill --teacher sentence-transformers/all-mpnet-base-v2
    --labelled splits/train.jsonl --questions titles.csv --output teacher.jsonl
    """
    from training.data.pairs import write_pairs  # noqa: PLC0415
    from training.data.reading import read_pairs, read_questions  # noqa: PLC0415
    from training.recipes.distill import Teacher  # noqa: PLC0415  # training is heavy and optional

    texts = read_questions(questions)
    with console.status("The teacher embeds the labelled pairs"):
        expert = Teacher(folder_of(teacher), read_pairs(labelled).pairs)
    with console.status(f"The teacher embeds {counted(len(texts), 'question')}"):
        pairs = expert.label(texts, wanted=wanted, seed=seed)
    write_pairs(output, pairs)
    say([f"{counted(len(pairs), 'pair')} written to {output}"])
    return {"file": output, "pairs": len(pairs)}


@app.command()
@with_json
def negatives(  # noqa: PLR0917  # a command's options
    pairs: Annotated[str, typer.Option(help="Labelled pairs: duplicates and others.")],
    output: Annotated[Path, typer.Option(help="JSONL file to write, of pairs with the label 0.")],
    duplicates: Annotated[
        list[str] | None, typer.Option(help="More known duplicates; repeatable.")
    ] = None,
    questions: Annotated[
        list[Path] | None, typer.Option(help="More questions: one a line, or a CSV; repeatable.")
    ] = None,
    bi_encoder: Annotated[
        str, typer.Option(help="Bi-encoder that finds near pairs.")
    ] = "all-MiniLM-L6-v2",
    low: Annotated[float, typer.Option(help="Lowest cosine: pairs below it are too easy.")] = 0.6,
    high: Annotated[
        float, typer.Option(help="Highest cosine: too many pairs above it are unknown duplicates.")
    ] = 0.93,
    per_question: Annotated[int, typer.Option(help="At most this many pairs for a question.")] = 3,
) -> Facts:
    """Mine hard negatives: near pairs that no chain of known duplicates connects.

    Use it only if nearly all duplicates among the questions are known. Every other near pair gets
    the label "no duplicate", and nobody has read it.

    Example: askedbefore train negatives --pairs splits/train.jsonl --duplicates more.csv
    --output negatives.jsonl
    """
    from training.data.mining import mined_negatives  # noqa: PLC0415  # training is heavy and optional
    from training.data.pairs import write_pairs  # noqa: PLC0415
    from training.data.reading import read_pairs, read_questions  # noqa: PLC0415

    known = [pair for source in (pairs, *(duplicates or ())) for pair in read_pairs(source).pairs]
    texts = [text for path in questions or () for text in read_questions(path)]
    encoder = load_bi_encoder(bi_encoder)
    with console.status("Searching near pairs"):
        found = mined_negatives(
            texts, known, encoder=encoder, between=(low, high), per_question=per_question
        )
    write_pairs(output, found)
    written = counted(len(found), "pair")
    say([f"{written} written to {output}; look at some before you train on them"])
    return {"file": output, "pairs": len(found)}


@app.command()
@with_json
def mix(  # noqa: PLR0913, PLR0917  # a command's options
    gold: Annotated[str, typer.Option(help="Labelled pairs, the main source.")],
    output: Annotated[Path, typer.Option(help="JSONL file to write.")],
    apart: Annotated[
        list[str], typer.Option(help="Test set whose questions are left out; repeatable.")
    ],
    positives: Annotated[str | None, typer.Option(help="More duplicates.")] = None,
    extra: Annotated[
        list[str] | None,
        typer.Option(help="More labelled pairs, all of which are used; repeatable."),
    ] = None,
    negatives: Annotated[
        str | None, typer.Option(help="Hard negatives, from `train negatives`.")
    ] = None,
    gold_pairs: Annotated[
        int, typer.Option(help="At most this many of the pairs of --gold.")
    ] = 52_000,
    further: Annotated[
        int, typer.Option(help="At most this many of the duplicates of --positives.")
    ] = 6_000,
    inferred: Annotated[
        int, typer.Option(help="At most this many negatives that follow from the labels.")
    ] = 10_000,
    hard_negatives: Annotated[
        int, typer.Option(help="At most this many of the pairs of --negatives.")
    ] = 16_000,
    joined: Annotated[
        int, typer.Option(help="Number of longer texts, each joined from two pairs.")
    ] = 3_000,
    templates: Annotated[
        int, typer.Option(help="Number of pairs from the project's templates.")
    ] = 0,
    seed: Seed = 1,
) -> Facts:
    """Mix labelled pairs with pairs that follow from them, and with pairs made by small edits.

    Example: askedbefore train mix --gold splits/train.jsonl --apart splits/dev.jsonl
    --apart splits/test.jsonl --extra teacher.jsonl --output mix.jsonl
    """
    from training.data import mix as mixing  # noqa: PLC0415  # training is heavy and optional
    from training.data.pairs import write_pairs  # noqa: PLC0415
    from training.data.reading import read_pairs  # noqa: PLC0415
    from worker.weights.load import model_folder  # noqa: PLC0415

    pairs = read_pairs(gold).pairs
    with console.status("Mixing"):
        mixed = mixing.build(
            mixing.MixConfig(
                gold=gold_pairs,
                positives=further,
                inferred_negatives=inferred,
                hard_negatives=hard_negatives,
                joined=joined,
                templates=templates,
                seed=seed,
            ),
            gold=pairs,
            positives=read_pairs(positives).pairs if positives else (),
            extra=[pair for path in extra or () for pair in read_pairs(path, soft=True).pairs],
            negatives=read_pairs(negatives).pairs if negatives else (),
            kept_apart=[pair for path in apart for pair in read_pairs(path).pairs],
            kin=mixing.kin_of(model_folder("all-MiniLM-L6-v2"), pairs),
        )
    write_pairs(output, mixed)
    say([f"{output}: {mixing.balance(mixed)}"])
    return {"file": output, "pairs": len(mixed), "balance": mixing.balance(mixed)}


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
