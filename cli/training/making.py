"""`askedbefore train`: the commands that make data to train on."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import Facts, with_json
from cli.training.recipes import Output, Seed, console, folder_of, load_bi_encoder, say
from db.wording import counted


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
    gold_pairs: Annotated[int, typer.Option(help="At most this many pairs of --gold.")] = 52_000,
    further: Annotated[int, typer.Option(help="At most this many of --positives.")] = 6_000,
    inferred: Annotated[int, typer.Option(help="At most this many inferred negatives.")] = 10_000,
    hard_negatives: Annotated[int, typer.Option(help="At most this many of --negatives.")] = 16_000,
    joined: Annotated[int, typer.Option(help="Number of texts joined from two pairs.")] = 3_000,
    templates: Annotated[int, typer.Option(help="Number of pairs from our templates.")] = 0,
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


def add_to(app: typer.Typer) -> None:
    """Add the commands to `askedbefore train`."""
    app.command("split")(with_json(split_))
    for command in (distill, negatives, mix):
        app.command()(with_json(command))
