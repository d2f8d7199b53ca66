"""Queries on people, their roles, and how they sign in.

A name is one person in all forums. So a sign-in link from an admin of one forum gives only the
person's role in that forum, and none elsewhere.

A password is kept as an argon2id hash. Keys, links and browsers' tokens have 256 random bits, so a
plain SHA-256 of each is safe to keep.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import InvalidInputError, NotFoundError, ServiceError
from db.rows import NOBODY
from db.tables.questions import Forum
from db.tables.review import (
    Membership,
    Person,
    SignIn,
    SignInLink,
)

PASSWORD_LENGTH = 10
LINK_LIFETIME = timedelta(hours=12)
_KEY_PREFIX = "abp_"

_hasher = PasswordHasher()


class Role(StrEnum):
    """What a person may do in a forum."""

    MODERATOR = "moderator"
    ADMIN = "admin"


class SignInRefusedError(ServiceError):
    """The name or the password is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """A person with the forums they may review."""

    id: int
    name: str
    roles: Mapping[str, Role]
    """By forum name."""
    only_forum_id: int | None = None
    """The only forum in which this sign-in is valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person as a forum sees them."""

    name: str
    role: Role
    disabled: bool


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _person(session: Session, person: Person, *, only_forum_id: int | None = None) -> PersonRow:
    statement = (
        select(Forum.name, Membership.role)
        .join(Forum, Forum.id == Membership.forum_id)
        .where(Membership.person_id == person.id)
        .order_by(Forum.name)
    )
    if only_forum_id is not None:
        statement = statement.where(Forum.id == only_forum_id)
    return PersonRow(
        id=person.id,
        name=person.name,
        roles={row.name: Role(row.role) for row in session.execute(statement)},
        only_forum_id=only_forum_id,
    )


def ensure_person(session: Session, name: str) -> PersonRow:
    """Return the person called *name*, created if new; raises `InvalidInputError`.

    Only an operator may learn whether they are new: it shows who is known in other forums.
    """
    name = " ".join(name.split())
    if not name or len(name) > 60:  # noqa: PLR2004  # what the console has room for
        raise InvalidInputError("a person's name has 1 to 60 characters")
    if name.lower() in NOBODY:
        raise InvalidInputError(f"{name!r} is the name of the service itself: choose another name")
    session.execute(insert(Person).values(name=name).on_conflict_do_nothing())
    return get_person(session, name)


def get_person(session: Session, name: str) -> PersonRow:
    """Return the person called *name*; raises `NotFoundError`."""
    person = session.execute(select(Person).where(Person.name == name)).scalar_one_or_none()
    if person is None:
        raise NotFoundError(f"there is nobody called {name!r}")
    return _person(session, person)


def get_member(session: Session, forum_id: int, name: str) -> PersonRow:
    """Return a person with their role in this forum alone; raises `NotFoundError`.

    For a person of another forum the error is the same as for an unknown one.
    """
    person = session.execute(
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(Person.name == name, Membership.forum_id == forum_id)
    ).scalar_one_or_none()
    if person is None:
        raise NotFoundError(f"there is no moderator called {name!r} in this forum")
    return _person(session, person, only_forum_id=forum_id)


def set_password(session: Session, person_id: int, password: str) -> None:
    """Replace a person's password; raises `InvalidInputError` if it is too short."""
    if len(password) < PASSWORD_LENGTH:
        raise InvalidInputError(f"a password has at least {PASSWORD_LENGTH} characters")
    session.execute(
        update(Person).where(Person.id == person_id).values(password_hash=_hasher.hash(password))
    )


def make_personal_key(session: Session, person_id: int) -> str:
    """Replace a person's key and return it; it cannot be read again."""
    key = _KEY_PREFIX + secrets.token_urlsafe(32)
    session.execute(update(Person).where(Person.id == person_id).values(key_hash=_digest(key)))
    return key


def set_role(session: Session, person_id: int, forum_id: int, role: Role | None) -> None:
    """Give a person a role in a forum; None takes it away."""
    if role is None:
        session.execute(
            delete(Membership).where(
                Membership.person_id == person_id, Membership.forum_id == forum_id
            )
        )
        return
    statement = insert(Membership).values(person_id=person_id, forum_id=forum_id, role=role)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id", "forum_id"], set_={"role": role}
        )
    )


def members(session: Session, forum_id: int) -> list[Member]:
    """Return the people of a forum, by name."""
    found = session.execute(
        select(Person.name, Membership.role, Person.disabled_at)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.forum_id == forum_id)
        .order_by(Person.name)
    )
    return [
        Member(name=row.name, role=Role(row.role), disabled=row.disabled_at is not None)
        for row in found
    ]


def find_by_key(session: Session, name: str, key: str) -> PersonRow | None:
    """Return the person with this name if *key* is theirs. No number of guesses finds a key."""
    person = _find_enabled(session, name)
    if person is None or person.key_hash is None:
        return None
    is_theirs = secrets.compare_digest(bytes(person.key_hash), _digest(key.strip()))
    return _person(session, person) if is_theirs else None


def authenticate(session: Session, name: str, password: str) -> PersonRow:
    """Return the person with this name and this password.

    Raises `SignInRefusedError`, which never says whether the name exists.
    """
    person = _find_enabled(session, name)
    kept = person.password_hash if person is not None else None
    # An unknown name also costs a hash: the time must not reveal which names exist.
    if not _matches(kept or _decoy(), password) or person is None or kept is None:
        raise SignInRefusedError
    return _person(session, person)


def _find_enabled(session: Session, name: str) -> Person | None:
    return session.execute(
        select(Person).where(Person.name == name.strip(), Person.disabled_at.is_(None))
    ).scalar_one_or_none()


@cache
def _decoy() -> str:
    """Return a hash that no password has; checking it for an unknown name takes the same time."""
    return _hasher.hash("nobody has this password")


def _matches(kept: str, secret: str) -> bool:
    try:
        return _hasher.verify(kept, secret)
    except (VerificationError, InvalidHashError):
        return False


def create_sign_in_link(
    session: Session, person_id: int, base_url: str, *, only_forum_id: int | None = None
) -> str:
    """Return an address that signs the person in once, within `LINK_LIFETIME`.

    With *only_forum_id*, for links that an admin makes, it signs in only to that forum.
    """
    token = secrets.token_urlsafe(32)
    session.execute(delete(SignInLink).where(SignInLink.expires_at < func.now()))
    session.execute(
        insert(SignInLink).values(
            token_hash=_digest(token),
            person_id=person_id,
            only_forum_id=only_forum_id,
            expires_at=func.now() + LINK_LIFETIME,
        )
    )
    return f"{base_url.rstrip('/')}/console/sign-in/{token}"


def use_link(session: Session, token: str) -> PersonRow:
    """Return the person of the link and make it invalid; raises `SignInRefusedError`."""
    used = delete(SignInLink).where(
        SignInLink.token_hash == _digest(token), SignInLink.expires_at > func.now()
    )
    link = session.execute(
        used.returning(SignInLink.person_id, SignInLink.only_forum_id)
    ).one_or_none()
    person = session.get(Person, link.person_id) if link is not None else None
    if link is None or person is None or person.disabled_at is not None:
        raise SignInRefusedError("this link was used already or is too old; ask for a new one")
    return _person(session, person, only_forum_id=link.only_forum_id)


def open_sign_in(session: Session, person: PersonRow, *, lifetime: timedelta) -> str:
    """Remember a browser as signed in, with the roles of *person*, and return its token."""
    token = secrets.token_urlsafe(32)
    session.execute(delete(SignIn).where(SignIn.expires_at < func.now()))
    session.execute(
        insert(SignIn).values(
            token_hash=_digest(token),
            person_id=person.id,
            only_forum_id=person.only_forum_id,
            expires_at=func.clock_timestamp() + lifetime,
        )
    )
    return token


def find_signed_in(session: Session, token: str) -> PersonRow | None:
    """Return who is signed in with this token, or None if it has expired or was closed."""
    found = session.execute(
        select(Person, SignIn.only_forum_id)
        .join(SignIn, SignIn.person_id == Person.id)
        .where(
            SignIn.token_hash == _digest(token),
            SignIn.expires_at > func.clock_timestamp(),
            Person.disabled_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        return None
    return _person(session, found.Person, only_forum_id=found.only_forum_id)


def close_sign_in(session: Session, token: str) -> None:
    """Sign the browser with this token out."""
    session.execute(delete(SignIn).where(SignIn.token_hash == _digest(token)))


def list_people(session: Session) -> list[tuple[PersonRow, bool]]:
    """Return every person by name, and whether the access was taken away."""
    found = session.execute(select(Person).order_by(Person.name)).scalars()
    return [(_person(session, person), person.disabled_at is not None) for person in found]


def remove_person(session: Session, person_id: int) -> None:
    """Delete a person with roles and sign-ins; decisions keep the name that made them."""
    session.execute(delete(Person).where(Person.id == person_id))


def set_disabled(session: Session, person_id: int, *, disabled: bool) -> None:
    """Take a person's access away at once, or give it back."""
    at = func.now() if disabled else None
    session.execute(update(Person).where(Person.id == person_id).values(disabled_at=at))
