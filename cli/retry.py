"""`askedbefore retry`: checks the questions again that were set aside."""

from typing import Annotated

import typer
from rich.console import Console

from cli.connect import database
from cli.output import AsJson, tell
from db.tenants import forums
from db.wording import counted
from db.work import jobs


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(retry)


def retry(
    forum: Annotated[str | None, typer.Option(help="Only this forum's questions.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check again the questions that were set aside after five failed attempts.

    Example: askedbefore retry --forum cooks
    """
    with database() as sessions, sessions.begin() as session:
        forum_id = forums.get_forum(session, forum).id if forum else None
        count = jobs.retry(session, forum_id)
    tell(
        f"{counted(count, 'question')} will be checked again.",
        as_json=as_json,
        on=Console(),
        questions=count,
    )
