"""`askedbefore authors`: exports or erases all questions of one author."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from cli.connect import database
from cli.output import AlwaysJson, AsJson, print_json, tell
from db.questions import authors, questions
from db.tenants import forums
from db.wording import counted

app = typer.Typer(help="Export or erase everything about one author.", no_args_is_help=True)
console = Console(stderr=True)

_Name = Annotated[str, typer.Argument(help="The author's name, as the forum sends it.")]
_Forum = Annotated[str, typer.Option(help="Name of the forum.")]


@app.command()
def export(
    name: _Name,
    forum: _Forum,
    as_json: AlwaysJson = True,  # noqa: ARG001  # for scripts that give it everywhere
) -> None:
    """Print all questions of an author, with their pairs, as JSON.

    Example: askedbefore authors export "Ann Other" --forum cooks
    """
    with database() as sessions, sessions.begin() as session:
        row = forums.get_forum(session, forum)
        found = [
            asdict(questions.answer(session, row.id, one.external_id))
            for one in authors.all_by(session, row, name)
        ]
        kept_as = authors.kept_name(row, name)
    print_json({"author": name, "forum": forum, "kept_as": kept_as, "questions": found})


@app.command()
def erase(
    name: _Name,
    forum: _Forum,
    keep_questions: Annotated[
        bool, typer.Option("--keep-questions", help="Remove only the name, and keep the questions.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase all questions of an author, with vectors, pairs and events, for good.

    Example: askedbefore authors erase "Ann Other" --forum cooks
    """
    what = "the name" if keep_questions else "all questions"
    if not yes:
        typer.confirm(f"Erase {what} of {name} in {forum}?", abort=True, err=True)
    with database() as sessions, sessions.begin() as session:
        row = forums.get_forum(session, forum)
        if keep_questions:
            count = authors.forget(session, row, name)
        else:
            count = authors.erase(session, row, name, actor="command line")
    told = "lost the name" if keep_questions else "erased"
    facts = {"author": name, "forum": forum, "questions": count, "kept": keep_questions}
    tell(f"{counted(count, 'question')} {told}.", as_json=as_json, on=console, **facts)
