"""Queries on API keys. A secret has 256 random bits, so a plain SHA-256 of it is safe to keep."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from db.errors import InvalidInputError, NotFoundError
from db.tables.keys import ApiKey, ApiKeyForum
from db.tables.questions import Forum
from db.tenants.rows import KeyRow

SCOPES = frozenset({"submit", "review", "admin"})
_PREFIX_LENGTH = 11


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def create_key(
    session: Session,
    *,
    name: str,
    forum_ids: Sequence[int],
    scopes: Sequence[str],
    expires_at: datetime | None = None,
) -> str:
    """Store a new key and return its secret, which cannot be read again.

    Raises `InvalidInputError` for an unknown scope.
    """
    unknown = set(scopes) - SCOPES
    if unknown or not scopes:
        raise InvalidInputError(f"scopes are {', '.join(sorted(SCOPES))}; got {sorted(unknown)}")
    secret = f"ab_{secrets.token_urlsafe(32)}"
    key_id = session.execute(
        insert(ApiKey)
        .values(
            name=name,
            prefix=secret[:_PREFIX_LENGTH],
            secret_hash=_hash(secret),
            scopes=sorted(set(scopes)),
            expires_at=expires_at,
        )
        .returning(ApiKey.id)
    ).scalar_one()
    session.execute(
        insert(ApiKeyForum), [{"key_id": key_id, "forum_id": forum_id} for forum_id in forum_ids]
    )
    return secret


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
        )
        for key in found
    ]


def find_key(session: Session, secret: str) -> KeyRow | None:
    """Return the valid key with this secret, or None if it is unknown, revoked or expired."""
    rows = _rows(
        session,
        ApiKey.secret_hash == _hash(secret),
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
    )
    return rows[0] if rows else None


def note_use(session: Session, key_id: int, *, every: timedelta) -> None:
    """Record that a key was used, unless that was recorded less than *every* ago.

    It waits neither for another process that records the same, nor for the disk.
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
