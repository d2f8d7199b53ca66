"""People: one name in many forums, and what is made in one forum counts there alone."""

from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy.orm import Session

from db.errors import InvalidInputError, NotFoundError
from db.rows import NOBODY
from db.tenants import people
from db.tenants.people import Role
from tests.integration.db.two_forums import HOUR, Calls, Crossed, TwoForums
from tests.rows.factories import make_forum

PASSWORD = "correct horse battery"  # noqa: S105


class TestTwoForums(TwoForums):
    module = people
    calls: ClassVar[Calls] = {
        "ensure_person": lambda session, _own: people.ensure_person(session, "Eve"),
        "get_person": lambda session, own: people.get_person(session, own.person.name),
        "get_member": lambda session, own: people.get_member(session, own.id, own.person.name),
        "set_password": lambda session, own: people.set_password(session, own.person.id, PASSWORD),
        "make_personal_key": lambda session, own: people.make_personal_key(session, own.person.id),
        "set_role": lambda session, own: people.set_role(
            session, own.person.id, own.id, Role.MODERATOR
        ),
        "set_role: none": lambda session, own: people.set_role(
            session, own.person.id, own.id, None
        ),
        "members": lambda session, own: people.members(session, own.id),
        "create_sign_in_link": lambda session, own: people.create_sign_in_link(
            session, own.person.id, "https://x.example", only_forum_id=own.id
        ),
        "open_sign_in": lambda session, own: people.open_sign_in(
            session, own.person, lifetime=HOUR
        ),
        "find_signed_in": lambda session, own: people.find_signed_in(session, own.sign_in),
        "close_sign_in": lambda session, own: people.close_sign_in(session, own.sign_in),
        "remove_person": lambda session, own: people.remove_person(session, own.person.id),
        "set_disabled": lambda session, own: people.set_disabled(
            session, own.person.id, disabled=True
        ),
    }
    crossed: ClassVar[Crossed] = {
        "get_member": (
            lambda side: side.person.name,
            lambda session, own, thing: people.get_member(session, own.id, thing),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset(
        {"authenticate", "find_by_key", "use_link", "list_people"}
    )


def open_by_link(session: Session, link: str) -> str:
    person = people.use_link(session, link.rsplit("/", 1)[1])
    return people.open_sign_in(session, person, lifetime=timedelta(hours=1))


def roles(session: Session, token: str) -> dict[str, Role]:
    person = people.find_signed_in(session, token)
    return dict(person.roles) if person is not None else {}


def test_a_role_adopts_neither_sign_in_nor_link_of_another_forums_admin(session: Session) -> None:
    stranger, alpha = make_forum(session, "stranger"), make_forum(session, "alpha")
    dana = people.ensure_person(session, "Dana")
    people.set_role(session, dana.id, stranger.id, Role.MODERATOR)
    links = [
        people.create_sign_in_link(session, dana.id, "https://x", only_forum_id=stranger.id)
        for _ in range(2)
    ]
    before = open_by_link(session, links[0])

    people.set_role(session, people.ensure_person(session, "Dana").id, alpha.id, Role.ADMIN)
    after = open_by_link(session, links[1])

    assert roles(session, before) == roles(session, after) == {"stranger": Role.MODERATOR}


def test_what_the_person_or_the_operator_holds_counts_in_every_forum(session: Session) -> None:
    for name in ("stranger", "alpha"):
        dana = people.ensure_person(session, "Dana")
        people.set_role(session, dana.id, make_forum(session, name).id, Role.ADMIN)
    people.set_password(session, dana.id, PASSWORD)
    by_link = open_by_link(session, people.create_sign_in_link(session, dana.id, "https://x"))
    by_password = people.open_sign_in(
        session, people.authenticate(session, "Dana", PASSWORD), lifetime=timedelta(hours=1)
    )

    assert set(roles(session, by_link)) == set(roles(session, by_password)) == {"alpha", "stranger"}


def test_nobody_and_somebody_of_another_forum_are_answered_alike(session: Session) -> None:
    stranger, alpha = make_forum(session, "stranger"), make_forum(session, "alpha")
    people.set_role(session, people.ensure_person(session, "Dana").id, alpha.id, Role.ADMIN)

    said = []
    for name in ("Dana", "Nobody"):
        with pytest.raises(NotFoundError) as refused:
            people.get_member(session, stranger.id, name)
        said.append(str(refused.value).replace(name, "NAME"))

    assert said[0] == said[1]


@pytest.mark.parametrize("name", sorted(NOBODY))
def test_nobody_has_a_name_under_which_no_person_decides(session: Session, name: str) -> None:
    with pytest.raises(InvalidInputError, match="choose another name"):
        people.ensure_person(session, f" {name.title()}")
