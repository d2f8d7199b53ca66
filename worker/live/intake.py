"""From what a forum sends to a question that can be stored: cleaned, checked, digested.

Pure. It is the only such place, so the API and the import of archives accept the same questions.
Each `*_of` function returns the cleaned value or raises `ValueError` with a sentence for people.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from db.errors import InvalidInputError
from db.questions.rows import NewQuestion
from worker.text.normal import (
    MODEL_TEXT_LENGTH,
    TextFields,
    clean,
    estimate_tokens,
    foreign_share,
    full_text,
    normalise,
    text_digest,
)

ID_LENGTH = 200
TITLE_LENGTH = 500
BODY_LENGTH = 20_000
LABEL_LENGTH = 200
URL_LENGTH = 2_000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
_UNENCODED = re.compile(r"[\x00-\x20\x7f-\x9f\\\"<>^`{|}\s]")
# A flat list as JSON: in an archive of millions each microsecond counts.
_quoted = json.encoder.encode_basestring_ascii


class FieldError(InvalidInputError):
    """A field of a question cannot be used."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Submission:
    """A question as it was sent, not checked yet."""

    external_id: str
    title: str
    body: str = ""
    url: str | None = None
    category: str | None = None
    author: str | None = None
    asked_at: datetime | None = None
    visible: bool = True


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
    is_plain = text.isascii() and text.isprintable()  # most are: nothing to clean or normalise
    title = " ".join((text if is_plain else clean(_encodable(text))).split())
    if not (title if is_plain else normalise(title)):
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
    """Return a moment in UTC, if a question can have been asked then."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("must have a time zone, such as 2024-05-01T12:00:00Z")
    latest = (now or datetime.now(UTC)) + CLOCK_SKEW
    if not EARLIEST <= value <= latest:
        raise ValueError("must lie between 1990 and now")
    return value.astimezone(UTC)


def parse_instant(value: object) -> object:
    """Return *value*, or the moment of a text in RFC 3339."""
    if not isinstance(value, str):
        return value
    if not _INSTANT.match(value):
        raise ValueError("must be a date and time such as 2024-05-01T12:00:00Z")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError("must be a date and time such as 2024-05-01T12:00:00Z") from error


def question_of(
    submission: Submission, *, text_fields: str, now: datetime | None = None
) -> NewQuestion:
    """Return the question to be stored in a forum whose models read *text_fields*.

    Raises `FieldError` for the first field that cannot be used.
    """
    external_id, title, body, url, category, author, asked_at = _cleaned(submission, now)
    fields = TextFields(text_fields)
    text = full_text(title, body, fields=fields)
    return NewQuestion(
        external_id=external_id,
        title=title,
        body=body,
        url=url,
        category=category,
        author=author,
        asked_at=asked_at,
        visible=submission.visible,
        text_fields=fields,
        text_digest=text_digest(text),
        content_digest=_content_digest(
            (title, body, url, category, author, asked_at.isoformat() if asked_at else None),
            visible=submission.visible,
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


def _content_digest(texts: Sequence[str | None], *, visible: bool) -> bytes:
    """Return 32 bytes that differ if any field of a cleaned question differs."""
    parts = ["null" if text is None else _quoted(text) for text in texts]
    parts.append("true" if visible else "false")
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
