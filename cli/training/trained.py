"""`askedbefore train`: commands that average or calibrate trained rerankers, or fit their gate."""

from pathlib import Path
from typing import Annotated

import typer

from cli.bars import stage_bars
from cli.output import Facts, with_json
from cli.training import making
from cli.training.evaluate import evaluate
from cli.training.recipes import CACHE, Seed, app, console, folder_of, load_bi_encoder, say
from cli.training.score import score
from db.wording import counted


@app.command()
@with_json
def average(
    first: Annotated[str, typer.Argument(help="Folder of a reranker.")],
    second: Annotated[
        str, typer.Argument(help="Folder of another reranker, trained from the same weights.")
    ],
    output: Annotated[Path, typer.Option(help="Folder to write the averaged reranker to.")],
    share: Annotated[float, typer.Option(help="Weight of the first reranker in the mean.")] = 0.5,
) -> Facts:
    """Average two rerankers that were trained from the same weights. Calibrate the result next.

    Example: askedbefore train average runs/second/model runs/first/model --output mean
    """
    from training.recipes.averaging import average as mean  # noqa: PLC0415  # heavy and optional
    from training.recipes.runs import save_reranker  # noqa: PLC0415

    save_reranker(mean([folder_of(first), folder_of(second)], [share, 1 - share]), output)
    say([f"{output} is written. Next: askedbefore train calibrate {output} --data DEV"])
    return {"output": output}


@app.command("calibrate")
@with_json
def calibrate_(
    model: Annotated[
        Path, typer.Argument(help="Folder of a reranker; calibration.json is written into it.")
    ],
    data: Annotated[str, typer.Option(help="Labelled pairs like those of the service.")],
    encoder: Annotated[str, typer.Option(help="Bi-encoder that the reranker is used with.")] = (
        "all-MiniLM-L6-v2"
    ),
) -> Facts:
    """Fit the probability, the thresholds and the cosine floor on labelled pairs.

    The chance of a pair to be flagged is fitted too, but for its five weights of `answers`: they
    need all candidates of many questions, and labelled pairs are a few pairs of each.

    Example: askedbefore train calibrate runs/reranker/model --data decisions.csv
    """
    from training.data.pairs import require_both_labels  # noqa: PLC0415  # heavy, optional
    from training.data.reading import read_pairs  # noqa: PLC0415  # heavy, optional
    from training.recipes.runs import calibrate_reranker  # noqa: PLC0415

    read = read_pairs(data, with_bodies=True)
    require_both_labels(read.pairs, what=data)
    say(read.summary())
    bi_encoder = load_bi_encoder(encoder)
    with console.status(f"Scoring {counted(len(read.pairs), 'pair')} in both orders"):
        made = calibrate_reranker(model, read.pairs, encoder=bi_encoder)
    found = made.for_bi_encoder(bi_encoder.digest)
    say(f"precision {name}: flag at {value:.3f}" for name, value in found.thresholds.items())
    say([f"cosine floor {found.cosine_floor:.3f}, default threshold {found.threshold:.3f}"])
    return {
        "model": model,
        "thresholds": found.thresholds,
        "cosine_floor": found.cosine_floor,
        "threshold": found.threshold,
    }


@app.command()
@with_json
def gate(
    model: Annotated[
        Path, typer.Argument(help="Folder of a calibrated reranker; the gate is written into it.")
    ],
    questions: Annotated[
        list[Path], typer.Option(help="File of questions: one a line, or a CSV; repeatable.")
    ],
    pairs: Annotated[int, typer.Option(help="At most this many near pairs to score.")] = 100_000,
    encoder: Annotated[str, typer.Option(help="Bi-encoder that the reranker is used with.")] = (
        "all-MiniLM-L6-v2"
    ),
    seed: Seed = 1,
) -> Facts:
    """Fit the gate, which leaves out near pairs of archives that the reranker would not flag.

    No labels are needed: the reranker scores near pairs of the questions, and the gate learns from
    their vectors which ones the reranker will not flag. Calibrate the reranker first, and fit the
    gate again after each calibration.

    Example: askedbefore train gate runs/reranker/model --questions titles.csv
    """
    from training.data.reading import read_questions  # noqa: PLC0415
    from training.gate import fit_gate, lowest_threshold, scored_pairs  # noqa: PLC0415  # heavy
    from worker.weights.load import load_reranker  # noqa: PLC0415

    texts = list(dict.fromkeys(text for path in questions for text in read_questions(path)))
    bi_encoder = load_bi_encoder(encoder)
    with console.status(f"Loading {model}"):
        reranker = load_reranker(str(model), device="auto", cache=CACHE)
    with stage_bars(console) as show:
        scored = scored_pairs(
            texts,
            reranker=reranker,
            encoder=bi_encoder,
            wanted=pairs,
            seed=seed,
            on_progress=show,
        )
        found = fit_gate(
            scored,
            threshold=lowest_threshold(reranker, bi_encoder),
            bi_encoder=bi_encoder.digest,
            seed=seed,
            on_progress=show,
        )
    found.gate.save(model)
    say(
        [
            f"Scored: {counted(len(scored), 'near pair')} of {counted(len(texts), 'question')}.",
            f"Left out of {found.pairs:,} held out: {found.left_out:.1%}.",
            f"Kept of the {found.flagged:,} flagged among them: {found.kept:.2%}.",
        ]
    )
    return {
        "model": model,
        "scored": len(scored),
        "questions": len(texts),
        "held_out": found.pairs,
        "left_out": found.left_out,
        "flagged": found.flagged,
        "kept": found.kept,
    }


def add_to(root: typer.Typer) -> None:
    """Add ``train``, ``evaluate`` and ``score`` to the command."""
    making.add_to(app)
    root.add_typer(app, name="train")
    root.command()(with_json(evaluate))
    root.command()(with_json(score, file="out"))
