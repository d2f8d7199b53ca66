"""Makes a question that can be stored from what a forum sends: cleaned, checked, with digests.

Pure. The API and the import of archives both use this module, so they accept the same questions.
Each `*_of` function returns the cleaned value, or raises `ValueError` with a sentence for people.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from db.errors import InvalidInputError
from db.questions.rows import NO_FACTS, Facts, NewQuestion, SentQuestion
from worker.text.cuts import NO_CUTS, Cuts
from worker.text.normal import (
    MODEL_TEXT_LENGTH,
    TextFields,
    clean,
    estimate_tokens,
    foreign_share,
    full_text,
    is_blank,
    normalise,
    text_digest,
)

ID_LENGTH = 200
TITLE_LENGTH = 2_000
BODY_LENGTH = 100_000
LABEL_LENGTH = 200
URL_LENGTH = 2_000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)

MOST = 9_000_000_000_000_000
TAGS = 50

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
_UNENCODED = re.compile(r"[\x00-\x20\x7f-\x9f\\\"<>^`{|}\s]")
# Used to write a flat list as JSON: with millions of questions each microsecond counts.
quoted = json.encoder.encode_basestring_ascii


class FieldError(InvalidInputError):
    """A field of a question cannot be used."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Submission(SentQuestion):
    """A question as it was sent, not yet checked."""

    updated_at: datetime | None = None
    """When the question was last changed in the forum."""
    version: int | None = None
    """The forum's own number of this version."""


def id_of(text: str) -> str:
    """Return the forum's own id, unchanged."""
    if not 1 <= len(text) <= ID_LENGTH:
        raise ValueError(f"must have 1 to {ID_LENGTH} characters")
    if not text.isprintable() or "\ufffd" in text:
        raise ValueError("must be made of printable characters in valid UTF-8")
    if text != text.strip() or text in {".", ".."}:
        raise ValueError("must not begin or end with a space, nor be '.' or '..'")
    return text


def title_of(text: str) -> str:
    """Return a title on one line."""
    is_plain = text.isascii() and text.isprintable()  # most titles: nothing to clean or normalise
    title = " ".join((text if is_plain else clean(_encodable(text))).split())
    if not title or (not is_plain and (not normalise(title) or is_blank(title))):
        raise ValueError("must hold at least one visible character")
    return _within(title, TITLE_LENGTH)


def body_of(text: str) -> str:
    """Return a body with its line breaks."""
    if not text:
        return text
    return _within(clean(_encodable(text)), BODY_LENGTH)


def label_of(text: str | None) -> str | None:
    """Return a category or an author's name on one line; None when it is empty."""
    if text is None:
        return None
    return _within(" ".join(clean(_encodable(text)).split()), LABEL_LENGTH) or None


def url_of(text: str | None) -> str | None:
    """Return an http or https address; None when it is empty."""
    if text is None or not text.strip():
        return None
    url = _within(_encodable(text).strip(), URL_LENGTH)
    if _UNENCODED.search(url):
        raise ValueError("must be percent-encoded: spaces and control characters are not allowed")
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_web = False
    if not is_web:
        raise ValueError("must be an http or https address")
    return url


def instant_of(value: datetime | None, *, now: datetime | None = None) -> datetime | None:
    """Return *value* in UTC; it must have a time zone and be between 1990 and now."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("must have a time zone, such as 2024-05-01T12:00:00Z")
    latest = (now or datetime.now(UTC)) + CLOCK_SKEW
    if not EARLIEST <= value <= latest:
        raise ValueError("must lie between 1990 and now")
    return value.astimezone(UTC)


def parse_instant(value: object) -> object:
    """Return the moment that a text in RFC 3339 names; any other value unchanged."""
    if not isinstance(value, str):
        return value
    if not _INSTANT.match(value):
        raise ValueError("must be a date and time such as 2024-05-01T12:00:00Z")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError("must be a date and time such as 2024-05-01T12:00:00Z") from error


def question_of(
    submission: Submission,
    *,
    text_fields: str,
    cuts: Cuts = NO_CUTS,
    now: datetime | None = None,
) -> NewQuestion:
    """Return the question to be stored in a forum whose models read *text_fields*.

    The parts in *cuts* are stored, but not compared. Raises `FieldError` for the first field that
    cannot be used.
    """
    external_id, title, body, url, category, author, asked_at = _cleaned(submission, now)
    facts, edited_at, revision = _facts_and_version(submission, now)
    fields = TextFields(text_fields)
    read_title, read_body = cuts.read(title, body)
    text = full_text(
        title if read_title is None else read_title,
        body if read_body is None else read_body,
        fields=fields,
    )
    is_bare = facts is NO_FACTS and edited_at is None and revision is None
    return NewQuestion(
        external_id=external_id,
        title=title,
        body=body,
        url=url,
        category=category,
        author=author,
        asked_at=asked_at,
        visible=submission.visible,
        facts=facts,
        edited_at=edited_at,
        revision=revision,
        text_fields=fields,
        read_title=read_title,
        read_body=read_body,
        text_digest=text_digest(text),
        content_digest=_content_digest(
            (title, body, url, category, author, asked_at.isoformat() if asked_at else None),
            visible=submission.visible,
            beside=None if is_bare else (facts.stored(), str(edited_at), revision),
        ),
        foreign_share=foreign_share(text),
        tokens=estimate_tokens(text[:MODEL_TEXT_LENGTH]),
    )


_Cleaned = tuple[str, str, str, str | None, str | None, str | None, datetime | None]


def _cleaned(given: Submission, now: datetime | None) -> _Cleaned:
    field = "id"
    try:
        external_id = id_of(given.external_id)
        field = "title"
        title = title_of(given.title)
        field = "body"
        body = body_of(given.body)
        field = "url"
        url = url_of(given.url)
        field = "category"
        category = label_of(given.category)
        field = "author"
        author = label_of(given.author)
        field = "asked_at"
        asked_at = instant_of(given.asked_at, now=now)
    except ValueError as error:
        raise FieldError(field, str(error)) from error
    return external_id, title, body, url, category, author, asked_at


def _facts_and_version(
    given: Submission, now: datetime | None
) -> tuple[Facts, datetime | None, int | None]:
    if given.facts is NO_FACTS and given.updated_at is None and given.version is None:
        return NO_FACTS, None, None  # most archives have neither
    field = "updated_at"
    try:
        edited_at = instant_of(given.updated_at, now=now)
        field = "version"
        revision = count_of(given.version)
    except ValueError as error:
        raise FieldError(field, str(error)) from error
    return facts_of(given.facts), edited_at, revision


def facts_of(given: Facts) -> Facts:
    """Return cleaned facts, `NO_FACTS` if there are none; raises `FieldError`."""
    if given is NO_FACTS:
        return NO_FACTS
    clean_by: Mapping[str, Callable[[Any], Any]] = {
        "answers": count_of,
        "accepted_answer": label_of,
        "views": count_of,
        "votes": votes_of,
        "tags": tags_of,
        "language": language_of,
    }
    cleaned: dict[str, Any] = {"accepted": given.accepted, "closed": given.closed}
    for field, clean_one in clean_by.items():
        try:
            cleaned[field] = clean_one(getattr(given, field))
        except ValueError as error:
            raise FieldError(field, str(error)) from error
    if cleaned["accepted"] is None and cleaned["accepted_answer"] is not None:
        cleaned["accepted"] = True
    facts = Facts(**cleaned)
    return facts if facts != NO_FACTS else NO_FACTS


def count_of(value: int | None) -> int | None:
    """Return a count or the number of a version."""
    if value is not None and not 0 <= value <= MOST:
        raise ValueError(f"must lie between 0 and {MOST:,}")
    return value


def votes_of(value: int | None) -> int | None:
    """Return a score that may be negative."""
    if value is not None and not -MOST <= value <= MOST:
        raise ValueError(f"must lie between -{MOST:,} and {MOST:,}")
    return value


def tags_of(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the tags without duplicates, each on one line."""
    found = tuple(dict.fromkeys(tag for tag in map(label_of, tags) if tag))
    if len(found) > TAGS:
        raise ValueError(f"must be at most {TAGS}")
    return found


def language_of(text: str | None) -> str | None:
    """Return a language tag such as ``en`` or ``pt-BR``; None when it is empty."""
    if text is None or not text.strip():
        return None
    if not _LANGUAGE.fullmatch(text.strip()):
        raise ValueError("must be a language tag such as en or pt-BR")
    return text.strip().replace("_", "-")


def _content_digest(texts: Sequence[str | None], *, visible: bool, beside: object = None) -> bytes:
    """Return 32 bytes that differ if any field of a cleaned question differs.

    *beside* changes the digest only if it is given, so questions without it keep their digests.
    """
    parts = ["null" if text is None else quoted(text) for text in texts]
    parts.append("true" if visible else "false")
    if beside is not None:
        parts.append(json.dumps(beside))
    return hashlib.sha256(f"[{', '.join(parts)}]".encode()).digest()


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must be valid Unicode: it holds half of a surrogate pair") from error
    return text


def _within(text: str, length: int) -> str:
    # Both lengths count: of the stored text, and of the text that the models read.
    if len(text) > length or not (text.isascii() or len(normalise(text)) <= length):
        raise ValueError(f"must have at most {length:,} characters")
    return text
