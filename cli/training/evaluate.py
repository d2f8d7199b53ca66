"""`askedbefore evaluate`: compares two models, or measures one pair of models on many domains."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.bars import stage_bars
from cli.output import Facts
from cli.training import models
from cli.training.recipes import CACHE, console, load_bi_encoder, say
from cli.training.tables import show_comparison, show_suite
from db.wording import counted
from worker.settings import Profile
from worker.weights.load import DEFAULT_ENCODER

if TYPE_CHECKING:
    from training.measure.scoring.stages import Stages


def evaluate(  # noqa: PLR0913  # a command's options
    first: Annotated[
        str | None,
        typer.Argument(help="First model: a reranker, or `cosine` for the bi-encoder alone."),
    ] = None,
    second: Annotated[
        str | None, typer.Argument(help="Second model: folder, bundled name or hub id.")
    ] = None,
    *,
    data: Annotated[
        str | None,
        typer.Option(help="Labelled pairs that neither model was trained or calibrated on."),
    ] = None,
    suite: Annotated[
        Path | None,
        typer.Option(
            help="Folder of domains, instead of two models: NAME/pairs.csv (question1, question2,"
            " is_duplicate, body1, body2), NAME/questions.csv (id, title, body, cluster) or"
            " NAME.csv."
        ),
    ] = None,
    leave_one_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-out",
            help="Suite: flag pairs of each domain by a calibration fitted on the others alone.",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Suite: .md or .json file to write the table to.")
    ] = None,
    curve: Annotated[
        Path | None,
        typer.Option(
            help="Suite: .svg, .png or .csv file to write precision by recall of each domain to."
        ),
    ] = None,
    pairs: Annotated[
        int | None,
        typer.Option(min=2, help="Suite: at most this many pairs of a domain, drawn at random."),
    ] = None,
    questions: Annotated[
        int | None,
        typer.Option(
            min=2, help="Suite: at most this many questions of a mining set, in whole groups."
        ),
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            help="Suite: folder for each domain's scores. An interrupted run continues with the"
            " scores that are there."
        ),
    ] = None,
    nearest: Annotated[
        int, typer.Option(min=1, help="Suite: number of near pairs of a mining set to score.")
    ] = 12_000,
    bi_encoder: models.BiEncoder = None,
    reranker: models.RerankerName = None,
    profile: models.ProfileName = Profile.AUTO,
    threshold: models.Threshold = None,
    device: models.Device = "auto",
    model_cache: models.ModelCache = models.DEFAULT_CACHE,
    shown: Annotated[
        int, typer.Option(help="Number of pairs to list, those with the largest difference first.")
    ] = 10,
    samples: Annotated[int, typer.Option(min=20, help="Number of bootstrap samples.")] = 500,
) -> Facts:
    """Compare two models on one set of pairs, or measure one pair of models on many domains.

    Examples: askedbefore evaluate cosine default --data splits/test.jsonl;
    askedbefore evaluate --suite domains --leave-one-out --out report.md
    """
    if suite is None:
        if first is None or second is None or data is None:
            raise typer.BadParameter("give two models and --data, or give --suite")
        if out is not None or curve is not None:
            raise typer.BadParameter("--out and --curve write the figures of a --suite")
        encoder = bi_encoder or DEFAULT_ENCODER
        return _compare((first, second), data, encoder=encoder, shown=shown, samples=samples)
    if first is not None or data is not None:
        raise typer.BadParameter("--suite takes neither models as arguments nor --data")
    if leave_one_out and threshold is not None:
        raise typer.BadParameter("--leave-one-out fits the threshold: do not give --threshold")
    return _over_domains(
        suite,
        lambda: models.load_stages(
            (profile, bi_encoder, reranker),
            threshold=threshold,
            device=device,
            cache=model_cache,
            console=console,
        ),
        is_left_out=leave_one_out,
        files=(out, curve),
        most=(pairs, questions),
        checkpoints=checkpoints,
        nearest=nearest,
        samples=samples,
    )


def _compare(names: tuple[str, str], data: str, *, encoder: str, shown: int, samples: int) -> Facts:
    from training.data.reading import read_pairs  # noqa: PLC0415
    from training.measure.evaluate import compare, score  # noqa: PLC0415  # heavy and optional

    read = read_pairs(data)
    say(read.summary())
    common = load_bi_encoder(encoder)
    scored = []
    for name in names:
        with console.status(f"{name} scores {counted(len(read.pairs), 'pair')}"):
            scored.append(score(name, read.pairs, encoder=common, cache=CACHE))
    with console.status(counted(samples, "bootstrap sample")):
        found = compare(scored[0], scored[1], read.pairs, samples=samples, shown=shown)
    show_comparison(found, console=console)
    return asdict(found)


def _over_domains(
    suite: Path,
    load: Callable[[], "Stages"],
    *,
    is_left_out: bool,
    files: tuple[Path | None, Path | None],
    most: tuple[int | None, int | None],
    checkpoints: Path | None,
    nearest: int,
    samples: int,
) -> Facts:
    from training.data.suites import Most, read_suite  # noqa: PLC0415  # heavy and optional
    from training.measure.suites.checkpoints import Checkpoints  # noqa: PLC0415
    from training.measure.suites.drawing import require_drawable, write_curves  # noqa: PLC0415
    from training.measure.suites.suite import measure_suite  # noqa: PLC0415
    from training.measure.suites.suite_report import require_suffix, write_report  # noqa: PLC0415

    out, curve = files
    if out is not None:
        require_suffix(out)  # before a measurement that may take an hour
    if curve is not None:
        require_drawable(curve)
    pairs, questions = most
    domains = read_suite(suite, most=Most(pairs=pairs, questions=questions))
    say(domain.summary for domain in domains)
    stages = load()
    with stage_bars(console) as show:
        found = measure_suite(
            domains,
            stages,
            is_left_out=is_left_out,
            nearest=nearest,
            samples=samples,
            checkpoints=None if checkpoints is None else Checkpoints(checkpoints, stages),
            on_progress=show,
        )
    show_suite(found, console=console)
    if out is not None:
        write_report(found, out)
        say([f"The table is in {out}."])
    if curve is not None:
        write_curves(found.domains, curve)
        say([f"The curves are in {curve}."])
    return {**asdict(found), "means": found.means}
