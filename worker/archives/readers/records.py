"""The records that readers yield, and how a row becomes records."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from db.errors import InvalidInputError
from worker.live.intake import Submission
from worker.text.normal import clean, text_digest

TITLE_LIMIT = 2_000
BODY_LIMIT = 100_000
ID_LIMIT = 200
RECORD_LIMIT = 4 << 20
"""Characters or bytes of one record, over which it is rejected alone and not held in memory."""
RECORD_TOO_LONG = f"the record is longer than {RECORD_LIMIT >> 20} MiB"
_REASON_LENGTH = 300
_EPOCH_MS = 100_000_000_000
_DATE_LENGTH = 100
_NO_DATE = "the date is none that can be read (ISO 8601 or seconds)"
_YES = frozenset({"1", "1.0", "true", "yes", "duplicate"})
_NO = frozenset({"0", "0.0", "false", "no", "different"})
_TAG = re.compile(r"<[^<>]{0,2000}>")


class UnreadableArchiveError(InvalidInputError):
    """The file cannot be read as an archive of questions."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(None if message is None else _shown(message))


def _shown(text: str) -> str:
    """Return what may be long or hold anything, since a file wrote part of it, for people."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text[:_REASON_LENGTH])


_RATIO_LIMIT = 250
_RATIO_FROM = 64 << 20


def refuse_bomb(size: int, packed_size: int) -> None:
    """Raise `UnreadableArchiveError` if the unpacked size is far too large for the packed one."""
    if size > max(_RATIO_FROM, _RATIO_LIMIT * packed_size):
        raise UnreadableArchiveError(
            f"the file grows to over {_RATIO_LIMIT} times its size: it looks like a zip bomb"
        )


@dataclass(frozen=True, slots=True)
class SourceQuestion(Submission):
    """A question of the archive; ``line`` counts from 1 (rows, if the format has no lines)."""

    line: int = 1


@dataclass(frozen=True, slots=True)
class KnownPair:
    """Two questions on which the forum's own people have decided."""

    line: int
    first_id: str
    second_id: str
    is_duplicate: bool = True
    """False where they said that the two are not the same."""
    canonical_id: str | None = None
    """The one of the two that the forum points to, where it says."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A row that the forum shows to nobody: kept out, and hidden where it is stored already."""

    line: int
    reason: str
    """The kind, in a word or two: `deleted`, `private`, `unapproved`, `closed category`."""
    external_id: str | None = None
    """Without it, a question that was imported before stays as it is."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read, and why."""

    line: int
    reason: str


Record = SourceQuestion | KnownPair | Hidden | Reject

FIELDS = ("id", "title", "body", "url", "category", "author", "asked_at")
PAIR_FIELDS = ("id2", "title2", "label")
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": ("qid1", "id1", "id", "qid", "externalid", "questionid", "topicid", "tid", "postid"),
    "title": (
        "title",
        "question",
        "question1",
        "topictitle",
        "posttitle",
        "subject",
        "postsubject",
        "questiontext",
        "text",
        "name",
    ),
    "body": ("body", "raw", "posttext", "content", "excerpt", "description", "message"),
    "url": ("url", "link", "permalink", "topicurl"),
    "category": ("category", "categoryname", "categoryid", "forumname", "forumid", "tags"),
    "author": ("author", "username", "userid", "posterid", "topicposter", "owneruserid"),
    "asked_at": (
        "askedat",
        "createdat",
        "creationdate",
        "created",
        "date",
        "topictime",
        "posttime",
    ),
    "id2": ("qid2", "id2"),
    "title2": ("question2", "title2"),
    "label": ("isduplicate", "duplicate", "label"),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of the file has which field; a file of pairs also has ``title2``."""

    names: Mapping[str, str]

    @classmethod
    def resolve(
        cls,
        found: Sequence[str],
        chosen: Mapping[str, str] | None = None,
        *,
        is_nested: bool = False,
    ) -> Self:
        """Return the columns for the names *found* in a file; *chosen* ones come first.

        Where columns are nested, ``a.b`` chooses the ``b`` of a column ``a``. Raises
        `UnreadableArchiveError` when no column can be the question.
        """
        names = {field: name for field, name in (chosen or {}).items() if name}
        _check_chosen(names, found, is_nested=is_nested)
        plain: dict[str, str] = {}
        for name in found:
            plain.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), name)
        taken = set(names.values())
        for field, aliases in _ALIASES.items():
            free = [plain[a] for a in aliases if a in plain and plain[a] not in taken]
            if free and field not in (chosen or {}):
                names[field] = free[0]
                taken.add(free[0])
        if "title2" in names and "id2" not in names and "id" not in (chosen or {}):
            names.pop("id", None)  # the id of the row is none of a question
        if "title" not in names:
            raise UnreadableArchiveError(
                f"no column holds the question: found {', '.join(map(repr, found[:20]))};"
                " name it with --map title=COLUMN"
            )
        return cls(names)

    @property
    def is_pairs(self) -> bool:
        """Return whether each row has two questions."""
        return "title2" in self.names

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields in the order in which `records` expects their values."""
        return FIELDS + PAIR_FIELDS if self.is_pairs else FIELDS

    def records(self, line: int, values: Sequence[object]) -> Iterator[Record]:
        """Yield the records of one row; *values* are in the order of `fields`."""
        try:
            first = _question(line, values[: len(FIELDS)], has_id="id" in self.names)
            if not self.is_pairs:
                yield first
                return
            second_id, second_title, label = values[len(FIELDS) :]
            said = str(label).strip().lower()
            no_details = (None,) * (len(FIELDS) - 2)
            second = _question(
                line, (second_id, second_title, *no_details), has_id="id2" in self.names
            )
        except _RowError as error:
            yield Reject(line, str(error))
            return
        except RecursionError:
            yield Reject(line, "it is nested too deeply")
            return
        yield first
        yield second
        if said in _YES | _NO and first.external_id != second.external_id:
            is_same = said in _YES
            yield KnownPair(line, first.external_id, second.external_id, is_duplicate=is_same)


def _check_chosen(names: Mapping[str, str], found: Sequence[str], *, is_nested: bool) -> None:
    for field, name in names.items():
        if field not in _ALIASES:
            raise UnreadableArchiveError(
                f"--map {field}={name}: no such field; there are {', '.join(_ALIASES)}"
            )
        if name not in found and not (is_nested and name.partition(".")[0] in found):
            raise UnreadableArchiveError(
                f"--map {field}={name}: no such column; found {', '.join(map(repr, found[:20]))}"
            )


class _RowError(ValueError):
    pass


def _question(line: int, values: Sequence[object], *, has_id: bool) -> SourceQuestion:
    own_id, title, body, url, category, author, asked_at = values
    text = _text(title, "the question", limit=TITLE_LIMIT)
    if not text:
        raise _RowError("the question is empty")
    if has_id:
        external_id = _text(own_id, "the id", limit=ID_LIMIT)
        if not external_id:
            raise _RowError("the id is empty")
    else:  # the same text keeps the same id, so importing twice adds nothing
        external_id = f"text-{text_digest(text).hex()[:24]}"
    return SourceQuestion(
        external_id,
        text,
        _text(body, "the body", limit=BODY_LIMIT) if body else "",
        _text(url, "the url", limit=TITLE_LIMIT) or None if url else None,
        _text(category, "the category", limit=TITLE_LIMIT) or None if category else None,
        _text(author, "the author", limit=ID_LIMIT) or None if author else None,
        _instant(asked_at) if asked_at else None,
        line=line,
    )


def _text(value: object, what: str, *, limit: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        text = value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        text = str(value)
    elif isinstance(value, list):
        text = " ".join(str(part) for part in value)
    else:
        raise _RowError(f"{what} is no text")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _RowError(f"{what} is not valid in this encoding") from None
    text = clean(text) if not (text.isascii() and text.isprintable()) else text.strip()
    if len(text) > limit:
        raise _RowError(f"{what} is longer than {limit} characters")
    return text


def _instant(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str) and len(value) > _DATE_LENGTH:
        raise _RowError(_NO_DATE)
    text = str(value).strip()
    if not text or text.startswith("0000-00-00"):
        return None
    try:
        if text.replace(".", "", 1).lstrip("-").isdigit():
            seconds = float(text)
            seconds /= 1000 if abs(seconds) > _EPOCH_MS else 1
            return datetime.fromtimestamp(seconds, UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise _RowError(_NO_DATE) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def plain_text(markup: str) -> str:
    """Return HTML without tags and with entities resolved; good enough for models and previews."""
    return html.unescape(_TAG.sub(" ", markup))
