"""The options that choose models, and a function that loads the chosen ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.preparing import show_preparing
from cli.training.recipes import CACHE
from worker.settings import Profile
from worker.weights.profiles import model_names

if TYPE_CHECKING:
    from training.measure.scoring.stages import Stages

BiEncoder = Annotated[
    str | None,
    typer.Option("--bi-encoder", "--encoder", help="Bi-encoder: bundled name, folder or hub id."),
]
RerankerName = Annotated[
    str | None, typer.Option("--reranker", help="CrossEncoder: `default`, folder or hub id.")
]
ProfileName = Annotated[
    Profile,
    typer.Option(
        "--profile",
        envvar="ASKEDBEFORE_PROFILE",
        help="Both models by one name: `fast`, which is bundled, `accurate`, which is larger, or"
        " `auto`, which is accurate if its models are on this machine. --bi-encoder or"
        " --reranker replaces one of the two models.",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Probability from which a pair is flagged; by default the CrossEncoder's own.",
    ),
]
Device = Annotated[str, typer.Option(help="Device of the models: auto, cpu, cuda or cuda:N.")]
ModelCache = Annotated[
    Path,
    typer.Option(envvar="ASKEDBEFORE_MODEL_CACHE", help="Folder for models exported to ONNX."),
]
DEFAULT_CACHE = CACHE


def load_stages(
    names: tuple[Profile, str | None, str | None],
    *,
    threshold: float | None,
    device: str,
    cache: Path,
    console: Console,
) -> "Stages":
    """Return the models of a profile; a bi-encoder or CrossEncoder given by name replaces one."""
    from training.measure.scoring.stages import Stages  # noqa: PLC0415  # loads the models' stack
    from worker.matching.matcher import Matcher  # noqa: PLC0415
    from worker.weights.load import load_encoder, load_reranker  # noqa: PLC0415

    profile, bi_encoder, reranker = names
    wanted = model_names(profile, cache, bi_encoder=bi_encoder, reranker=reranker)
    show_preparing(console, wanted, cache=cache, device=device)
    with console.status(f"Loading {wanted.bi_encoder} and the CrossEncoder {wanted.reranker}"):
        matcher = Matcher.of(
            load_encoder(wanted.bi_encoder, device=device, cache=cache),
            load_reranker(wanted.reranker, device=device, cache=cache),
            threshold=threshold,
        )
    return Stages(matcher)
