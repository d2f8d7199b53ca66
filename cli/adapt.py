"""`askedbefore adapt`: a calibration or a threshold for one forum, from its decisions and links."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.bars import count_bar
from cli.connect import database
from cli.output import AsJson, print_json, tell
from db.engine import Sessions
from db.errors import IncompatibleModelError
from db.pairs.calibrations import Moved
from db.vectors import models as db_models
from db.vectors.rows import ModelKind, ModelRow
from db.wording import counted
from worker.adapting import adapting
from worker.adapting.adapting import Adaptation
from worker.adapting.surveying import SAMPLE
from worker.matching.models import Models
from worker.scoring.expectation import Expectation
from worker.settings import WorkerSettings

console = Console()
_progress = Console(stderr=True)


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("adapt")(adapt_)


def adapt_(
    *,
    forum: Annotated[str, typer.Option("--forum", help="The forum.")],
    apply: Annotated[bool, typer.Option("--apply", help="Use the proposal from now on.")] = False,
    reset: Annotated[
        bool,
        typer.Option("--reset", help="Go back to the calibration and threshold before --apply."),
    ] = False,
    sample: Annotated[
        int, typer.Option(min=1, help="Size of the random sample of questions.")
    ] = SAMPLE,
    as_json: AsJson = False,
) -> None:
    """Propose a calibration or a threshold for a forum. With --apply the proposal is used.

    With 20 decisions of each kind or more, a calibration is fitted to them. With fewer, a sample of
    the forum's questions shows how many pairs each threshold would flag. A lower threshold is
    proposed if the forum's own links and groups prove that its flags are right. Decisions always
    stay, and so does a threshold that a person chose.

    Example: askedbefore adapt --forum cooks
    """
    with database() as sessions:
        if reset:
            with sessions.begin() as session:
                moved = adapting.take_back(session, forum)
            said = f"The earlier calibration and threshold are in force again: {_moved(moved)}"
            tell(said, as_json=as_json, on=console, moved=asdict(moved))
            return
        found = _looked_at(sessions, forum, sample)
        if not as_json:
            _show(found)
        if not apply:
            tell(_proposed(found), as_json=as_json, on=console, **_facts(found))
            return
        with sessions.begin() as session:
            moved = adapting.apply(session, forum, found)
    if as_json:
        print_json(_facts(found) | {"moved": asdict(moved)})
        return
    _say(
        f"In force: {_what(found)}. {_moved(moved)} `askedbefore adapt --forum {forum} --reset`"
        " undoes it."
    )
    if not found.is_learnt:
        _say(
            f"Pairs below the old threshold were not recorded: `askedbefore forums recheck {forum}`"
            " finds them."
        )


def _looked_at(sessions: Sessions, forum: str, sample: int) -> Adaptation:
    with _progress.status("Loading the models in use"):
        models = _active(sessions)
    with count_bar(_progress, "Sampling", sample) as show:
        return adapting.adapt(sessions, models, forum, sample=sample, on_done=show)


def _active(sessions: Sessions) -> Models:
    from worker.weights.load import load_encoder, load_reranker  # noqa: PLC0415  # slow to load

    settings = WorkerSettings()
    with sessions.begin() as session:
        rows = [db_models.find_active(session, kind) for kind in ModelKind]
    bi_encoder, cross_encoder = (_known(row) for row in rows)
    where = {"device": settings.device, "cache": settings.model_cache}
    encoder = load_encoder(bi_encoder.name, **where)  # type: ignore[arg-type]
    reranker = load_reranker(cross_encoder.name, **where)  # type: ignore[arg-type]
    for row, digest in ((bi_encoder, encoder.digest), (cross_encoder, reranker.digest)):
        if row.digest != digest:
            raise IncompatibleModelError(
                f"the files of {row.name} on this machine are not those of the active model: run"
                " this command where the workers run"
            )
    return Models(
        encoder=encoder, reranker=reranker, bi_encoder=bi_encoder, cross_encoder=cross_encoder
    )


def _known(row: ModelRow | None) -> ModelRow:
    if row is None:
        raise IncompatibleModelError("no model is in use yet: start a worker")
    return row


def _facts(found: Adaptation) -> dict[str, object]:
    return {**asdict(found), "proposed": _proposed(found)}


def _show(found: Adaptation) -> None:
    proposal = found.proposal
    _say(proposal.assurance.sentences)
    _say(
        f"Decisions: {proposal.duplicates:,} for duplicate, {proposal.others:,} against."
        f" Threshold in force: {found.current:.3f}."
    )
    if found.density is None:
        _say("There is no sample: the workers have read no visible question of this forum yet.")
    else:
        _show_sample(found, found.density)
    if proposal.refusal is not None:
        _say(f"No calibration is proposed: {proposal.refusal}.")


def _show_sample(found: Adaptation, density: float) -> None:
    _say(
        f"A sample of {counted(found.sampled, 'question')}; a question's ten nearest have a"
        f" mean cosine of {density:.2f}:"
    )
    console.print(_table(found.expected))
    _say(
        "The precision by score is the models' own estimate. It was 0.54 too high on one of eight"
        " measured sets and 0.14 too low on another: only decisions or links show the precision."
    )
    if any(one.known for one in found.expected):
        _say(
            "Pairs that people linked or called the same count as right, all others as wrong, so"
            " this precision is a lower bound."
        )


def _table(expected: Sequence[Expectation]) -> Table:
    """Return a row for each threshold; what people know is left out if they know no pair."""
    is_known = any(one.known for one in expected)
    known = ("precision by people", "known duplicates found") if is_known else ()
    table = Table("threshold", "flagged pairs, about", "precision by score", *known)
    for one in expected:
        cells = (f"{one.threshold:.2f}", f"{one.flags:,}", _share(one.said))
        table.add_row(*cells, *(_by_people(one) if is_known else ()))
    return table


def _share(said: float | None) -> str:
    return "" if said is None else f"{said:.2f}"


def _by_people(one: Expectation) -> tuple[str, str]:
    looked = one.looked
    proved = f"at least {one.at_least:.2f} ({looked.right} of {looked.count})"
    return proved if looked.count else "", f"{one.found} of {one.known}"


def _proposed(found: Adaptation) -> str:
    proposal, moved = found.proposal, found.proposal.moved
    if found.is_learnt and proposal.trial is not None and moved is not None:
        before, after = proposal.trial.before, proposal.trial.after
        return (
            f"Proposed: a calibration from the decisions. Its error on decisions that were not used"
            f" is {after.calibration_error:.3f} instead of {before.calibration_error:.3f};"
            f" {counted(moved.shown, 'undecided pair')} would be flagged and {moved.hidden:,}"
            " hidden. --apply puts it into force."
        )
    if found.threshold is None:
        return f"No threshold is proposed: {found.reason}."
    return f"Proposed: the threshold {found.threshold:.2f}; {found.reason}. --apply uses it."


def _what(found: Adaptation) -> str:
    if found.is_learnt or found.threshold is None:
        return "a calibration from the decisions"
    return f"the threshold {found.threshold:.2f}"


def _moved(moved: Moved) -> str:
    shown = counted(moved.shown, "undecided pair was", "undecided pairs were")
    return f"{shown} flagged and {moved.hidden:,} hidden."


def _say(sentence: str) -> None:
    console.print(sentence, highlight=False, markup=False, soft_wrap=True)
