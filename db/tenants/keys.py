"""Queries on API keys. A secret has 256 random bits, so a plain SHA-256 of it is safe to keep."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from db.errors import InvalidInputError, NotFoundError
from db.tables.keys import ApiKey, ApiKeyForum
from db.tables.questions import Forum
from db.tenants.rows import PUBLIC_SCOPE, KeyRow

SCOPES = frozenset({"submit", "review", "admin", PUBLIC_SCOPE})
_PREFIX_LENGTH = 11
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?", re.ASCII)
_VALID = (
    ApiKey.revoked_at.is_(None),
    or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def create_key(
    session: Session,
    *,
    name: str,
    forum_ids: Sequence[int],
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    origins: Sequence[str] = (),
) -> str:
    """Store a new key and return its secret, which cannot be read again.

    A key for web pages has only the scope `ask`, and the *origins* of those pages. Raises
    `InvalidInputError` for scopes or origins that are not possible.
    """
    unknown = set(scopes) - SCOPES
    if unknown or not scopes:
        raise InvalidInputError(f"scopes are {', '.join(sorted(SCOPES))}; got {sorted(unknown)}")
    pages = _pages(set(scopes), origins)
    secret = f"{'abq' if pages else 'ab'}_{secrets.token_urlsafe(32)}"
    key_id = session.execute(
        insert(ApiKey)
        .values(
            name=name,
            prefix=secret[:_PREFIX_LENGTH],
            secret_hash=_hash(secret),
            scopes=sorted(set(scopes)),
            origins=pages,
            expires_at=expires_at,
        )
        .returning(ApiKey.id)
    ).scalar_one()
    session.execute(
        insert(ApiKeyForum), [{"key_id": key_id, "forum_id": forum_id} for forum_id in forum_ids]
    )
    return secret


def _pages(scopes: set[str], origins: Sequence[str]) -> list[str]:
    """Return the origins of a public key, as browsers write them; none for any other key."""
    if PUBLIC_SCOPE not in scopes:
        if origins:
            raise InvalidInputError("only a key with the scope ask has origins")
        return []
    if scopes != {PUBLIC_SCOPE}:
        raise InvalidInputError("everybody can read a key with the scope ask: give it no other")
    if not origins:
        raise InvalidInputError("a key with the scope ask needs an origin: https://forum.example")
    found = sorted({_as_browsers_write(one) for one in origins})
    for one in found:
        if not _ORIGIN.fullmatch(one):
            raise InvalidInputError(
                f"{one!r} is not an origin: write it like https://forum.example"
            )
    return found


def _as_browsers_write(origin: str) -> str:
    """Return an origin in lower case, without the port that its scheme has anyway."""
    text = origin.strip().rstrip("/").lower()
    return text.removesuffix(":443" if text.startswith("https:") else ":80")


def _rows(session: Session, *where: object) -> list[KeyRow]:
    found = session.execute(select(ApiKey).where(*where).order_by(ApiKey.id)).scalars().all()  # type: ignore[arg-type]
    forums = session.execute(
        select(ApiKeyForum.key_id, Forum.name, Forum.id)
        .join(Forum, Forum.id == ApiKeyForum.forum_id)
        .where(ApiKeyForum.key_id.in_([key.id for key in found]))
    ).all()
    return [
        KeyRow(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            scopes=frozenset(key.scopes),
            forums={row.name: row.id for row in forums if row.key_id == key.id},
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
            origins=frozenset(key.origins),
        )
        for key in found
    ]


def find_key(session: Session, secret: str) -> KeyRow | None:
    """Return the valid key with this secret, or None if it is unknown, revoked or expired."""
    rows = _rows(
        session,
        ApiKey.secret_hash == _hash(secret),
        *_VALID,
    )
    return rows[0] if rows else None


def note_use(session: Session, key_id: int, *, every: timedelta) -> None:
    """Record that a key was used, unless that was recorded less than *every* ago.

    It does not wait for another process that records the same, or for the disk.
    """
    session.execute(select(func.set_config("synchronous_commit", "off", True)))
    old = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.now() - every)
    free = select(ApiKey.id).where(ApiKey.id == key_id, old).with_for_update(skip_locked=True)
    session.execute(
        update(ApiKey)
        .where(ApiKey.id == free.scalar_subquery())
        .values(last_used_at=func.now())
        .execution_options(synchronize_session=False)
    )


def list_keys(session: Session) -> list[KeyRow]:
    """Return every key, oldest first."""
    return _rows(session)


def rotate_key(session: Session, prefix: str, *, keep: timedelta) -> str:
    """Return the secret of a new key with the rights of the one that begins with *prefix*.

    The old key stays valid for *keep*, so that its user has time to change to the new one. Raises
    `NotFoundError` if there is no such valid key.
    """
    found = _rows(session, ApiKey.prefix == prefix, *_VALID)
    if not found:
        raise NotFoundError(f"there is no valid key that begins with {prefix!r}")
    old = found[0]
    secret = create_key(
        session,
        name=old.name,
        forum_ids=list(old.forums.values()),
        scopes=sorted(old.scopes),
        expires_at=old.expires_at,
        origins=sorted(old.origins),
    )
    ends = func.least(func.coalesce(ApiKey.expires_at, "infinity"), func.now() + keep)
    session.execute(update(ApiKey).where(ApiKey.id == old.id).values(expires_at=ends))
    return secret


def revoke_key(session: Session, prefix: str) -> None:
    """Revoke the keys that begin with *prefix*; raises `NotFoundError` if there is none."""
    changed = session.execute(
        update(ApiKey)
        .where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.id)
    ).all()
    if not changed:
        raise NotFoundError(f"there is no valid key that begins with {prefix!r}")
