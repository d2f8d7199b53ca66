"""`askedbefore mine`: every duplicate in a file, without a service or a database."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console

from cli.bars import stage_bars
from cli.one_file import replaced
from cli.output import Facts, with_json
from cli.preparing import show_preparing
from cli.training.models import BiEncoder, ProfileName, RerankerName
from db.errors import InvalidInputError
from db.wording import counted
from worker.archives.readers import Archive, Reject, SourceQuestion, open_archive, open_stream
from worker.settings import Profile, WorkerSettings
from worker.text.cells import as_cell
from worker.weights.load import load_encoder, load_reranker
from worker.weights.profiles import model_names

if TYPE_CHECKING:
    from worker.archives.searching.mining import Mined

console = Console(stderr=True)
_COLUMNS = ("id1", "id2", "question1", "question2", "cosine", "score")


class _CacheSettings(BaseSettings):
    # The only one of the worker's settings that matters without a service.
    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_", frozen=True)

    model_cache: Path = WorkerSettings.model_fields["model_cache"].default


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(with_json(mine, file="out"))


def mine(  # a command's options
    file: Annotated[
        str,
        typer.Argument(
            help="CSV, TSV, JSONL, Parquet or another archive; `-` reads standard input."
        ),
    ],
    out: Annotated[
        str, typer.Option(help="CSV of pairs, best first; `-` writes to standard output.")
    ],
    *,
    min_score: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Lowest probability; by default the reranker's threshold."),
    ] = None,
    bi_encoder: BiEncoder = None,
    reranker: RerankerName = None,
    profile: ProfileName = Profile.AUTO,
    top_k: Annotated[int, typer.Option(min=1, help="Candidates of each question.")] = 100,
    device: Annotated[
        str, typer.Option(help="Device of the models: auto, cpu, cuda or cuda:N.")
    ] = "auto",
) -> Facts:
    """Find every duplicate pair in FILE and write the pairs, best first.

    FILE has the columns `id` and `question` (or `title`), or other names that `import` recognises.

    Example: askedbefore mine questions.csv --out pairs.csv
    """
    # Imported here, because only this command uses PyTorch, for the block products.
    from worker.archives.searching.mining import Miner  # noqa: PLC0415
    from worker.archives.searching.products import make_search  # noqa: PLC0415

    ids, titles = _read(file)
    cache = _CacheSettings().model_cache
    with replaced(out) as stream:
        names = model_names(profile, cache, bi_encoder=bi_encoder, reranker=reranker)
        show_preparing(console, names, cache=cache, device=device)
        with console.status(f"Loading {names.bi_encoder} and the CrossEncoder {names.reranker}"):
            models = (
                load_encoder(names.bi_encoder, device=device, cache=cache),
                load_reranker(names.reranker, device=device, cache=cache),
            )
        with stage_bars(console) as show:
            miner = Miner(
                *models,
                search=make_search(device, threads=0),
                top_k=top_k,
                min_score=min_score,
                on_progress=show,
            )
            found = miner.mine(titles)
        _write(stream, found, ids, titles)
    _say(found, len(titles), top_k)
    return {
        "file": out,
        "questions": len(titles),
        "pairs": len(found),
        "same_text": found.twins,
        "near_pairs": found.candidates,
        "read": found.calls,
        "crowded": found.capped,
    }


def _read(file: str) -> tuple[list[str], list[str]]:
    questions: dict[str, str] = {}
    rejects: list[Reject] = []
    with _opened(file) as archive:
        for record in archive:
            if isinstance(record, Reject):
                rejects.append(record)
            elif not isinstance(record, SourceQuestion):
                continue
            elif questions.setdefault(record.external_id, record.title) != record.title:
                rejects.append(Reject(record.line, f"the id {record.external_id!r} is used twice"))
    for reject in rejects[:10]:
        console.print(f"line {reject.line}: {reject.reason}", markup=False, highlight=False)
    if rejects:
        console.print(f"{counted(len(rejects), 'row was', 'rows were')} left out.", style="yellow")
    if not questions:
        raise InvalidInputError(f"{file} has no readable question: it needs columns id and title")
    return list(questions), list(questions.values())


def _opened(file: str) -> Archive:
    if file == "-":
        return open_stream(sys.stdin.buffer)
    return open_archive(Path(file))


def _write(stream: TextIO, found: "Mined", ids: list[str], titles: list[str]) -> None:
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS)
    rows = zip(found.left, found.right, found.cosine, found.score, strict=True)
    for left, right, cosine, score in rows:
        texts = (ids[left], ids[right], titles[left], titles[right])
        writer.writerow((*map(as_cell, texts), f"{cosine:.4f}", f"{score:.4f}"))


def _say(found: "Mined", questions: int, top_k: int) -> None:
    console.print(
        f"{counted(len(found), 'pair')} in {counted(questions, 'question')}: {found.twins:,} of the"
        f" same text; {counted(found.candidates, 'near pair')}, {found.calls:,} read by the"
        " CrossEncoder.",
        highlight=False,
    )
    if found.capped:
        console.print(
            f"{counted(found.capped, 'question has', 'questions have')} more than"
            f" {counted(top_k, 'near question')}; only the nearest were compared. A higher --top-k"
            " compares more.",
            style="yellow",
            highlight=False,
        )
