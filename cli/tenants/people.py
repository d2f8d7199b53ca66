"""`askedbefore people` and `askedbefore export`: moderators and their decisions."""

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.connect import address, database
from cli.one_file import replaced
from cli.output import AsJson, Facts, print_json, tell, with_json
from db.tenants import forums
from db.tenants import people as db_people
from db.tenants.people import Role
from db.wording import counted

people = typer.Typer(
    help="Manage the people of the console: their roles and how they sign in.", no_args_is_help=True
)
export = typer.Typer(help="Export decisions, redirects and groups.", no_args_is_help=True)
console = Console(stderr=True)

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Data folder of `askedbefore up`; not needed with your own servers."
    ),
]
Name = Annotated[str, typer.Argument(help="The person's name in the console.")]


@people.command("add")
def add(
    name: Name,
    *,
    forum: Annotated[
        list[str], typer.Option(help="Forum in which the person reviews; repeatable.")
    ],
    role: Annotated[
        Role, typer.Option(help="A moderator decides on pairs; an admin also changes settings.")
    ] = Role.MODERATOR,
    password: Annotated[bool, typer.Option("--password", help="Ask for a password.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a person a moderator or an admin of forums. A new name creates the person.

    Example: askedbefore people add ann --forum cooks --role admin
    """
    secret = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if password else ""
    with database(data) as sessions, sessions.begin() as session:
        person = db_people.ensure_person(session, name)
        known = ", ".join(person.roles)
        for one in forum:
            row = forums.get_forum(session, one)
            db_people.set_role(session, person.id, row.id, role)
        if secret:
            db_people.set_password(session, person.id, secret)
    said = f"{name} is {role} of {', '.join(forum)}."
    tell(said, as_json=as_json, on=console, name=name, role=role, forums=forum, known_in=known)
    if known and not as_json:
        console.print(
            f"This person already has a role in {known}. A sign-in link that an admin of those"
            " forums made is valid there only.",
            highlight=False,
            markup=False,
        )


@people.command("list")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """List the people with their forums and roles.

    Example: askedbefore people list
    """
    with database(data) as sessions, sessions.begin() as session:
        found = db_people.list_people(session)
    if as_json:
        print_json([{**asdict(person), "disabled": gone} for person, gone in found])
        return
    table = Table("name", "forums", "access")
    for person, gone in found:
        roles = ", ".join(f"{forum} ({role})" for forum, role in sorted(person.roles.items()))
        table.add_row(person.name, roles, "taken away" if gone else "yes")
    Console().print(table)


@people.command("link")
def link(
    name: Name,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="ASKEDBEFORE_PUBLIC_URL",
            help="Address of the service for browsers; by default that of `askedbefore up`.",
        ),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Print a link that signs a person in once, within twelve hours.

    Example: askedbefore people link ann --url https://duplicates.example
    """
    where = url or address(data)
    with database(data) as sessions, sessions.begin() as session:
        person = db_people.get_person(session, name)
        made = db_people.create_sign_in_link(session, person.id, where)
    _show(name, as_json=as_json, link=made)


@people.command("key")
def key(name: Name, data: Data = None, as_json: AsJson = False) -> None:
    """Print a personal key, which signs in instead of a password. An earlier key stops working.

    Example: askedbefore people key ann
    """
    with database(data) as sessions, sessions.begin() as session:
        person = db_people.get_person(session, name)
        made = db_people.make_personal_key(session, person.id)
    _show(name, as_json=as_json, key=made)


def _show(name: str, *, as_json: bool, **made: str) -> None:
    if as_json:
        print_json({"name": name, **made})
        return
    for secret in made.values():  # alone on its line, for scripts
        typer.echo(secret)


@people.command("disable")
def disable(name: Name, data: Data = None, as_json: AsJson = False) -> None:
    """Take a person's access away at once. Their decisions stay.

    Example: askedbefore people disable ann
    """
    with database(data) as sessions, sessions.begin() as session:
        person = db_people.get_person(session, name)
        db_people.set_disabled(session, person.id, disabled=True)
    tell(f"{name} has no access any more.", as_json=as_json, on=console, disabled=name)


@people.command("enable")
def enable(name: Name, data: Data = None, as_json: AsJson = False) -> None:
    """Give a person access again after `people disable`.

    Example: askedbefore people enable ann
    """
    with database(data) as sessions, sessions.begin() as session:
        person = db_people.get_person(session, name)
        db_people.set_disabled(session, person.id, disabled=False)
    tell(f"{name} has access again.", as_json=as_json, on=console, enabled=name)


@people.command("remove")
def remove(name: Name, data: Data = None, as_json: AsJson = False) -> None:
    """Delete a person with all roles and sign-ins. Their decisions stay, with the name.

    Example: askedbefore people remove ann
    """
    with database(data) as sessions, sessions.begin() as session:
        db_people.remove_person(session, db_people.get_person(session, name).id)
    tell(f"{name} is removed.", as_json=as_json, on=console, removed=name)


@export.command("decisions")
@with_json(file="out")
def decisions(
    forum: Annotated[str, typer.Option(help="Name of the forum.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; by default standard output.")
    ] = None,
    data: Data = None,
) -> Facts:
    """Write the decisions as labelled pairs: question1, question2, is_duplicate.

    Example: askedbefore export decisions --forum cooks --out decisions.csv
    """
    from api.console.insights.history import csv_of  # noqa: PLC0415  # the API's libraries

    with database(data) as sessions:
        with sessions.begin() as session:
            row = forums.get_forum(session, forum)
        count = -1  # the header line does not count
        with replaced(out) as stream:
            for part in csv_of(sessions, row.id):
                stream.write(part)
                count += sum(1 for _ in csv.reader(part.splitlines(keepends=True)))
    console.print(f"{counted(count, 'labelled pair')} written.", highlight=False)
    return {"file": out, "pairs": count}
