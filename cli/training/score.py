"""`askedbefore score`: scores a file of pairs with each stage of the service."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.bars import file_bar
from cli.output import Facts
from cli.training import models
from db.errors import InvalidInputError
from db.wording import counted
from worker.settings import Profile

if TYPE_CHECKING:
    from training.measure.scoring.pair_files import Lines, Tally

console = Console(stderr=True)


def score(  # noqa: PLR0913  # a command's options
    pairs: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, JSONL or Parquet with the columns question1 and question2, and if there"
            " are bodies body1 and body2."
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            help="File to write; its ending chooses the format. `-` writes CSV to standard output."
        ),
    ],
    *,
    bi_encoder: models.BiEncoder = None,
    reranker: models.RerankerName = None,
    profile: models.ProfileName = Profile.AUTO,
    threshold: models.Threshold = None,
    device: models.Device = "auto",
    model_cache: models.ModelCache = models.DEFAULT_CACHE,
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of the file, such as cp1252; by default it is detected."),
    ] = None,
) -> Facts:
    """Score every pair of a file with each stage of the service, and say which are flagged.

    All rows and columns are kept, in their order. These columns are added: cosine_titles,
    cosine_whole (title and body), overlap (share of the titles' words that both have),
    logit_forward and logit_backward (the CrossEncoder, in both orders), probability, flagged (1 or
    0) and warning.

    Example: askedbefore score pairs.csv --out scored.csv
    """
    from training.data.tables import open_table  # noqa: PLC0415  # as the models themselves
    from training.data.writing import open_writer  # noqa: PLC0415
    from training.measure.scoring.pair_files import columns_of, score_table  # noqa: PLC0415

    if Path(out).resolve() == pairs.resolve():
        raise InvalidInputError(f"{out} is the file of pairs itself: choose another --out")
    with (
        open_table(pairs, encoding=encoding) as table,
        open_writer(out, columns_of(table), schema=table.schema) as writer,
    ):
        stages = models.load_stages(
            (profile, bi_encoder, reranker),
            threshold=threshold,
            device=device,
            cache=model_cache,
            console=console,
        )
        with file_bar(console, 1.0, lambda: table.share_read) as show:
            tally = score_table(table, stages, writer, on_rows=show)
    if table.encoding not in {"utf-8", "utf-8-sig"} and encoding is None:
        say(
            f"{pairs} is not UTF-8: it was read as {table.encoding}. If this is wrong, give"
            " --encoding."
        )
    for line in _report(tally, stages.matcher.threshold, is_json=".jsonl" in out):
        say(line)
    return {
        "file": out,
        "rows": tally.rows,
        "scored": tally.scored,
        "flagged": tally.flagged,
        "threshold": stages.matcher.threshold,
        "empty": tally.empty.count,
        "unreadable": tally.unreadable.count,
        "warned": tally.warned,
    }


def say(line: str) -> None:
    """Print a line as it is, on standard error."""
    console.print(line, highlight=False, markup=False)


def _report(tally: "Tally", threshold: float, *, is_json: bool) -> Iterator[str]:
    yield (
        f"{counted(tally.rows, 'row')}: {tally.scored:,} scored,"
        f" {tally.flagged:,} flagged at {threshold:.3f} or above."
    )
    yield from _kept("without a question", tally.empty)
    yield from _kept("that cannot be read", tally.unreadable)
    if tally.warned:
        warned = counted(tally.warned, "pair")
        yield f"{warned} with a warning: the models do not know the language."
    for name, line in tally.late.items() if not is_json else ():
        yield (
            f"The column {name} is left out: it appears first in line {line}, after the columns"
            " were written. To keep it, write a .jsonl file with --out."
        )


def _kept(what: str, lines: "Lines") -> Iterator[str]:
    if lines.count:
        yield f"{counted(lines.count, 'row')} {what}, kept with empty scores ({lines})."
