"""`askedbefore forums`: forums and their settings."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from cli.connect import database
from cli.output import AsJson, print_json, tell
from cli.tenants import forum_options, moving
from db.acting.ladder import Ladder
from db.errors import InvalidInputError
from db.pairs.calibrations import Moved
from db.rows import Rung
from db.tenants import forums
from db.tenants.rows import AuthorNames, ForumRow
from db.wording import counted
from worker import acting
from worker.adapting import calibrating
from worker.adapting.calibrating import Proposal
from worker.live.recheck import owe_again
from worker.text.cuts import PATTERNS, check_boilerplate, check_prefix

_Days = Annotated[int | None, typer.Option(min=0, help="Days; 0 for ever.")]

app = typer.Typer(help="List forums and change their settings.", no_args_is_help=True)
moving.add_to(app)
console = Console()
_ACTOR = "command line"


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the forums with their settings.

    Example: askedbefore forums list
    """
    with database() as sessions, sessions.begin() as session:
        _show(forums.list_forums(session), as_json=as_json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the forum.")],
    title: Annotated[
        str | None, typer.Option(help="Title of the forum in the console; by default its name.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a forum.

    Example: askedbefore forums create cooks --title "For cooks"
    """
    with database() as sessions, sessions.begin() as session:
        _show_one(forums.create_forum(session, name, title=title), as_json=as_json)


@app.command()
def delete(
    name: Annotated[str, typer.Argument(help="Name of the forum.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a forum with its questions, pairs, decisions, archives and events, for good.

    Example: askedbefore forums delete cooks
    """
    if not yes:
        typer.confirm(f"Delete {name} with everything in it?", abort=True, err=True)
    with database() as sessions, sessions.begin() as session:
        forums.delete_forum(session, name)
    tell(f"{name} is deleted.", as_json=as_json, on=Console(stderr=True), deleted=name)


@app.command("set")
def set_(  # noqa: PLR0913  # a command's options
    name: Annotated[str, typer.Argument(help="Name of the forum.")],
    *,
    threshold: forum_options.Threshold = None,
    observe_only: forum_options.ObserveOnly = None,
    pending_limit: forum_options.PendingLimit = None,
    models_see: forum_options.ModelsSee = None,
    search_days: forum_options.SearchDays = None,
    search_within: forum_options.SearchWithin = None,
    canonical: forum_options.Canonical = None,
    prefix: forum_options.Prefix = None,
    boilerplate: forum_options.Boilerplate = None,
    as_json: AsJson = False,
) -> None:
    """Change a forum's settings. Workers use them from their next batch on.

    Example: askedbefore forums set cooks --threshold 0.8
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise InvalidInputError(f"--threshold {threshold}: must be between 0 and 1")
    if pending_limit is not None and pending_limit < 1:
        raise InvalidInputError(f"--pending-limit {pending_limit}: must be at least 1")
    wanted = {
        "observe_only": observe_only,
        "pending_limit": pending_limit,
        "text_fields": models_see,
        "search_within": search_within,
        "canonical_by": canonical,
    }
    changes: dict[str, object] = {key: value for key, value in wanted.items() if value is not None}
    changes |= _cut_changes(prefix, boilerplate)
    if threshold is not None:
        changes["threshold"] = threshold or None
    if search_days is not None:
        changes["search_days"] = search_days if search_days > 0 else None
    with database() as sessions, sessions.begin() as session:
        if changes:
            forums.update_forum(session, name, **changes)
        _show_one(forums.get_forum(session, name), as_json=as_json)


def _cut_changes(prefix: list[str] | None, boilerplate: list[str] | None) -> dict[str, object]:
    """Return the changed settings of the texts that are cut out; raises `InvalidInputError`."""
    changes: dict[str, object] = {}
    for name, said, check in (
        ("prefixes", prefix, check_prefix),
        ("boilerplate", boilerplate, check_boilerplate),
    ):
        if said is not None:
            changes[name] = list(dict.fromkeys(check(one) for one in said if one))
            if len(said) > PATTERNS:
                raise InvalidInputError(f"{len(said)} {name}: at most {PATTERNS} are allowed")
    return changes


@app.command()
def keep(
    name: Annotated[str, typer.Argument(help="Name of the forum.")],
    *,
    authors: Annotated[
        AuthorNames | None, typer.Option(help="How authors' names are stored from now on.")
    ] = None,
    questions_days: _Days = None,
    authors_days: _Days = None,
    events_days: _Days = None,
    decisions_days: _Days = None,
    as_json: AsJson = False,
) -> None:
    """Set how long a forum's questions, authors, events and decisions are kept.

    A question's age counts from its last change. The hourly upkeep deletes what is older. Settings
    whose option is not given stay as they are.

    Example: askedbefore forums keep cooks --authors hashed --events-days 365
    """
    wanted = {
        "keep_questions_days": questions_days,
        "keep_authors_days": authors_days,
        "keep_events_days": events_days,
        "keep_decisions_days": decisions_days,
    }
    changes: dict[str, object] = {
        column: days or None for column, days in wanted.items() if days is not None
    }
    if authors is not None:
        changes["author_names"] = authors
    with database() as sessions, sessions.begin() as session:
        row = forums.get_forum(session, name)
        if changes:
            row = forums.update_forum(session, name, **changes)
    if as_json:
        print_json(_facts(row))
        return
    table = Table("authors", *(column.removeprefix("keep_") for column in wanted))
    days = (getattr(row, column) for column in wanted)
    table.add_row(row.author_names, *("for ever" if one is None else str(one) for one in days))
    console.print(table)


@app.command("ladder")
def ladder_(
    name: Annotated[str, typer.Argument(help="Name of the forum.")],
    rung: Annotated[
        Rung | None, typer.Option(help="How far the service may go; without it, nothing changes.")
    ] = None,
    grace_hours: Annotated[
        float | None, typer.Option(help="Hours between a decision of the service and its action.")
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(help="Precision that the moderators' decisions must prove, such as 0.98."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show or choose how far the service may go in a forum, from only logging to closing by itself.

    Example: askedbefore forums ladder cooks --rung queue
    """
    with database() as sessions, sessions.begin() as session:
        row = forums.get_forum(session, name)
        if (rung, grace_hours, precision) != (None, None, None):
            wanted = Ladder(
                rung=rung or row.rung,
                grace_h=row.grace_h if grace_hours is None else grace_hours,
                wanted_precision=row.wanted_precision if precision is None else precision,
            )
            row = acting.choose_ladder(session, name, wanted, actor=_ACTOR)
    proved = "no score yet" if row.act_threshold is None else f"{row.act_threshold:.3f}"
    alone = f", decides alone from: {proved}" if row.rung is Rung.ACT else ""
    said = (
        f"{row.name}: {row.rung}, grace of {row.grace_h:g} h,"
        f" precision {row.wanted_precision:.3g}{alone}"
    )
    tell(said, as_json=as_json, on=console, **_facts(row))


@app.command()
def recheck(
    name: Annotated[str, typer.Argument(help="Name of the forum.")], as_json: AsJson = False
) -> None:
    """Check all questions of a forum again, for example after a change of settings.

    New questions are still checked first. Decisions stay. You can interrupt the command and run it
    again.

    Example: askedbefore forums recheck cooks
    """
    with database() as sessions:
        with sessions.begin() as session:
            forum = forums.get_forum(session, name)
        with Console(stderr=True).status("Preparing the work") as status:
            total = owe_again(
                sessions, forum, on_done=lambda n: status.update(counted(n, "question"))
            )
    # The sweep of a running service finds them within seconds.
    said = f"{counted(total, 'question')} of {name} will be checked again."
    tell(said, as_json=as_json, on=console, forum=name, questions=total)


@app.command("recalibrate")
def recalibrate_(
    name: Annotated[str, typer.Argument(help="Name of the forum.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Go back to the model's own calibration.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fit a calibration of the forum's own to its moderators' decisions, and use it from now on.

    Undecided pairs get new scores. Decisions and the threshold stay.

    Example: askedbefore forums recalibrate cooks --dry-run
    """
    with database() as sessions, sessions.begin() as session:
        if reset:
            _reset(session, name, dry_run=dry_run, as_json=as_json)
            return
        if dry_run:
            found = calibrating.propose(session, forums.get_forum(session, name))
        else:
            found = calibrating.recalibrate(session, name, actor=_ACTOR)
    if as_json:
        print_json({**asdict(found), "dry_run": dry_run})
        return
    _show_proposal(found, dry_run=dry_run)


def _reset(session: Session, name: str, *, dry_run: bool, as_json: bool) -> None:
    if dry_run:
        moved = calibrating.foresee_reset(session, forums.get_forum(session, name))
    else:
        moved = calibrating.reset(session, name, actor=_ACTOR)
    said = f"Back to the model's own: {_moved(moved, dry_run=dry_run)}"
    tell(said, as_json=as_json, on=console, dry_run=dry_run, **asdict(moved))


def _show_proposal(found: Proposal, *, dry_run: bool) -> None:
    console.print(
        f"{counted(found.duplicates, 'decision')} for duplicate, {found.others:,} against",
        highlight=False,
    )
    if found.learnt is not None and found.moved is not None:
        table = Table("on decisions that were not used to fit it", "now", "then")
        learnt = found.learnt
        for words, before, after in (
            ("calibration error", learnt.error_before, learnt.error_after),
            ("Brier score", learnt.brier_before, learnt.brier_after),
        ):
            table.add_row(words, f"{before:.4f}", f"{after:.4f}")
        console.print(table)
        console.print(
            f"At the threshold {found.threshold:.3f}: {_moved(found.moved, dry_run=dry_run)}",
            highlight=False,
        )
    if found.refusal is not None:
        console.print(f"Refused: {found.refusal}", highlight=False)


def _moved(moved: Moved, *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    return (
        f"{counted(moved.scored, 'undecided pair')} {would}scored again, {moved.shown:,} flagged,"
        f" {moved.hidden:,} hidden."
    )


def _show_one(row: ForumRow, *, as_json: bool) -> None:
    if as_json:
        print_json(_facts(row))
    else:
        _show([row], as_json=False)


def _show(rows: list[ForumRow], *, as_json: bool) -> None:
    if as_json:
        print_json([_facts(row) for row in rows])
        return
    columns = ("forum", "models see", "threshold", "observe only", "pending limit", "canonical by")
    table = Table(*columns)
    for row in rows:
        threshold = "the model's" if row.threshold is None else f"{row.threshold:.3f}"
        table.add_row(
            row.name,
            row.text_fields,
            threshold,
            "yes" if row.observe_only else "no",
            str(row.pending_limit),
            row.canonical_by,
        )
    console.print(table)


def _facts(row: ForumRow) -> dict[str, object]:
    """Return a forum's settings for other programs, without the salt of its hashed author names."""
    return {name: value for name, value in asdict(row).items() if name != "author_salt"}
