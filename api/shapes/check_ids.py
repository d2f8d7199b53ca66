"""The id of a check: signed, with what a later outcome needs, and without any text.

Nothing of a check is stored. Its id has a random number, the forum, and for each suggestion a short
digest of its id with the score in steps of 0.005.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from itsdangerous import BadSignature, TimestampSigner

from api.settings import ApiSettings
from db.errors import InvalidInputError
from worker.queue import CheckAnswer

CHECK_ID_LENGTH = 1_000
_SALT = "check"
_KEY_BYTES, _FORUM_BYTES, _DIGEST_BYTES = 12, 8, 5
_STEPS = 200
_LIFETIME_S = 7 * 24 * 3_600


class CheckIdError(InvalidInputError):
    """This is no `check_id` of this forum, or it is older than a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """A check: its random key, its forum, and the scores by the digest of the suggestion's id."""

    forum_id: int
    key: bytes
    scores: Mapping[bytes, float] = field(default_factory=dict)

    @classmethod
    def of(cls, forum_id: int, answer: CheckAnswer) -> Self:
        """Return the check of this answer."""
        scores = {_digest(one.id): one.score for one in answer.duplicates}
        return cls(forum_id=forum_id, key=secrets.token_bytes(_KEY_BYTES), scores=scores)

    def score_of(self, external_id: str) -> float:
        """Return the score of a question that was suggested; raises `InvalidInputError`."""
        score = self.scores.get(_digest(external_id))
        if score is None:
            raise InvalidInputError(f"question {external_id!r} was not suggested by this check")
        return score


def _digest(external_id: str) -> bytes:
    return hashlib.sha256(external_id.encode()).digest()[:_DIGEST_BYTES]


def seal(settings: ApiSettings, check: Suggested) -> str:
    """Return the id of a check."""
    scores = b"".join(one + bytes([round(score * _STEPS)]) for one, score in check.scores.items())
    packed = check.key + check.forum_id.to_bytes(_FORUM_BYTES, "big") + scores
    text = base64.urlsafe_b64encode(packed).rstrip(b"=")
    return _signer(settings).sign(text).decode()


def unseal(settings: ApiSettings, forum_id: int, check_id: str) -> Suggested:
    """Return the check with this id; raises `CheckIdError`."""
    try:
        text = _signer(settings).unsign(check_id, max_age=_LIFETIME_S)
    except BadSignature as error:
        raise CheckIdError from error
    packed = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    head = _KEY_BYTES + _FORUM_BYTES
    if int.from_bytes(packed[_KEY_BYTES:head], "big") != forum_id:
        raise CheckIdError
    step = _DIGEST_BYTES + 1
    parts = (packed[at : at + step] for at in range(head, len(packed), step))
    scores = {one[:_DIGEST_BYTES]: one[_DIGEST_BYTES] / _STEPS for one in parts}
    return Suggested(forum_id=forum_id, key=packed[:_KEY_BYTES], scores=scores)


def _signer(settings: ApiSettings) -> TimestampSigner:
    return TimestampSigner(settings.secret_key.get_secret_value(), salt=_SALT)
