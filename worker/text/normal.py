"""What the models read of a question, and when two questions have the same text.

Pure, and shared with training: a model must be served the text it was trained on.
"""

import functools
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

MODEL_TEXT_LENGTH = 600
"""Characters of a question that the models read: about 128 tokens, as in their training."""
FOREIGN_LIMIT = 0.5
"""Share of unreadable letters above which the scores of the English models are not used."""
FOREIGN_WARNING = (
    "the text is mostly of signs that the models do not know (other scripts, emoji, very long"
    " words): only questions with the same text are found"
)

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u00ad]")
_JOINERS = re.compile("[\u200c\u200d]")
"""Kept for display: Persian is written with the first, joined emoji with the second."""
_BLANK = re.compile(
    r"[\s\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2800\u3164\ufe00-\ufe0f\uffa0]*"
)
_SPACE = re.compile(r"\s+")
_LEADING_TAGS = re.compile(r"^(?:\s*\[[^\[\]]{1,30}\])+\s*[:\-]?\s*")
_TAG = re.compile(r"\[([^\[\]]{1,30})\]")
_TEMPLATE_TAGS = frozenset({
    "answered", "bug", "closed", "discussion", "docs", "duplicate", "enhancement", "error",
    "feature", "fixed", "help", "idea", "info", "issue", "moved", "other", "ot", "poll", "q",
    "question", "rfc", "request", "resolved", "solved", "support", "test", "tip", "update",
    "urgent", "wip", "wontfix",
})  # fmt: skip
"""First words of tags about a question's state or form, not about its subject."""
_STATUS_TAG = re.compile(
    r"^(?:\s*(?:\[\s*(?:solved|resolved|answered|closed|fixed|moved|urgent)\s*\]\s*[:\-]?"
    r"|(?:re|fwd?|aw|wg|sv|antw)\s*:))+\s*",
    re.IGNORECASE,
)
_MEANT = frozenset({
    "wide", "narrow", "noBreak", "compat", "small", "vertical", "initial", "medial", "final",
    "isolated",
})  # fmt: skip
"""Kinds of compatibility characters that mean the same as the plain ones to a reader. Left out are
superscripts, subscripts, fractions, circled digits, letters of mathematics and squared units.
"""
_SHORT_TITLE_WORDS = 3
"""Many questions have the same title of so few words: only their bodies differ."""
_EXPONENT = re.compile("(?<=[\\w)])[\u00b2\u00b3\u00b9\u2070\u2074-\u207b]+")
_LONGEST_WORD = 100
"""The models' vocabularies have no tokens for a word with more characters."""
_WORD = re.compile(r"\w+|[^\w\s]")
_FIRST_MARK, _BASIC_END, _MARKS_END = "\u0300", "\uffff", "\U0001ffff"
_MARKS_IN_A_ROW = 30
"""No language has more marks on one letter (Unicode Annex 15, Stream-Safe Text Format)."""


@functools.cache
def _mark_runs(last: str) -> re.Pattern[str]:
    """Return a pattern of too many marks in a row, among the characters up to *last*.

    A mark is a character whose decomposition begins with a combining character. Python sorts a run
    of marks in quadratic time: 250 KB of accents would take a core a minute and a half.
    """
    codes = (chr(code) for code in range(ord(_FIRST_MARK), ord(last) + 1))
    decomposed = ((char, unicodedata.normalize("NFKD", char)) for char in codes)
    marks = "".join(char for char, parts in decomposed if unicodedata.combining(parts[0]))
    return re.compile(f"[{marks}][{marks}]{{{_MARKS_IN_A_ROW},}}")


def _normalised(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return *text* in the Unicode form, in time linear in its length."""
    if len(text) > _MARKS_IN_A_ROW and (highest := max(text)) >= _FIRST_MARK:
        runs = _mark_runs(_BASIC_END if highest <= _BASIC_END else _MARKS_END)
        text = runs.sub(lambda run: run[0][:_MARKS_IN_A_ROW], text)
    return unicodedata.normalize(form, text)


class TextFields(StrEnum):
    """Which fields of a question the models read; a setting of the forum."""

    TITLE = "title"
    TITLE_BODY = "title_body"


class Reads(StrEnum):
    """Which text of a question a CrossEncoder reads; part of its calibration."""

    WHOLE = "whole"
    """The text that the bi-encoder reads."""
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Seen:
    """The texts of a question that the models read, one line each."""

    whole: str
    """The text that the bi-encoder reads: the fields that the forum has chosen."""
    title: str

    @property
    def body(self) -> str:
        """Return the text that the bi-encoder reads after the title; empty if there is none."""
        return self.whole[len(self.title) :].lstrip()

    def for_reranker(self, reads: Reads) -> str:
        """Return the text for a CrossEncoder with this *reads*."""
        return self.title if reads is Reads.TITLE else self.whole


def clean(text: str) -> str:
    """Return *text* without control and invisible characters, in NFC, surrounding space removed.

    Line breaks and tabs stay: this text is stored and shown.
    """
    if text.isascii():  # most questions: nothing to compose, nothing invisible
        return (text if text.isprintable() else _CONTROL.sub("", text)).strip()
    return _INVISIBLE.sub("", _CONTROL.sub("", _normalised("NFC", text))).strip()


def normalise(text: str) -> str:
    """Return *text* on one line, in NFKC, without control or invisible characters."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return _SPACE.sub(" ", _JOINERS.sub("", clean(_normalised("NFKC", text)))).strip()


def is_blank(text: str) -> bool:
    """Return whether *text* shows nothing: only spaces, fillers, or marks without a letter."""
    return bool(_BLANK.fullmatch(text)) or all(unicodedata.category(c)[0] in "ZCM" for c in text)


def strip_tags(title: str) -> str:
    """Return *title* without leading template tags, such as ``[Bug]``, and others without brackets.

    Template tags made unrelated questions similar for every model that was measured. Other tags,
    such as ``[Excel]``, may be the only difference of two questions: their words stay. The title is
    unchanged if at most one word would remain.
    """
    found = _LEADING_TAGS.match(title)
    if found is None:
        return title
    rest = title[found.end() :]
    if len(_WORD.findall(rest)) <= 1:
        return title
    kept = [tag.strip() for tag in _TAG.findall(found[0]) if not _is_template(tag)]
    return " ".join([*filter(None, kept), rest])


def _is_template(tag: str) -> bool:
    words = re.findall(r"\w+", tag.lower())
    return not words or words[0] in _TEMPLATE_TAGS


def fields_read(title: str, fields: TextFields) -> TextFields:
    """Return the fields that the models read of a question with this title.

    *fields* is the forum's setting. A title of one to three words says too little: in every forum
    it is read with its body.
    """
    if len(title) <= _SHORT_TITLE_WORDS * 20 and len(title.split()) <= _SHORT_TITLE_WORDS:
        return TextFields.TITLE_BODY
    return fields


def model_text(title: str, body: str = "", *, fields: TextFields = TextFields.TITLE) -> str:
    """Return the text, on one line, that the bi-encoder reads of a question."""
    text = strip_tags(normalise(_written_out(title)))
    if fields is TextFields.TITLE_BODY and body:
        text = f"{text} {normalise(_written_out(body[: 2 * MODEL_TEXT_LENGTH]))}"
    return text[:MODEL_TEXT_LENGTH].rstrip()


def _written_out(text: str) -> str:
    """Return *text* with exponents as ``2^20``: normalisation would make 2²⁰ into 220."""
    return text if text.isascii() else _EXPONENT.sub(r"^\g<0>", text)


def seen(title: str, body: str = "", *, fields: TextFields = TextFields.TITLE) -> Seen:
    """Return the texts that the bi-encoder and a CrossEncoder of titles read of a question."""
    alone = model_text(title)
    read = fields_read(title, fields)
    is_whole = read is TextFields.TITLE or not body
    return Seen(alone if is_whole else model_text(title, body, fields=read), alone)


def full_text(title: str, body: str = "", *, fields: TextFields = TextFields.TITLE) -> str:
    """Return the text that is compared to decide whether two questions have the same text."""
    whole = fields is TextFields.TITLE_BODY or (body and fields_read(title, fields) is not fields)
    return f"{title} {body}" if whole else title


def text_digest(text: str) -> bytes:
    """Return 32 bytes that are equal for two texts that a reader would call the same.

    Case, spaces, closing punctuation and the state of a thread (``[Solved]``, ``Re:``) do not
    count. Every word, number and inner sign does. Texts that look different to readers stay
    different, even if Unicode calls them compatible: 2²⁰ and 220, ß and ss.

    For most texts it is equal to `first_digest`, an older form of the digest. So a recheck computes
    only the digests of the other stored texts again.
    """
    text = _STATUS_TAG.sub("", text) or text
    if _LEADING_TAGS.match(text):  # the older form did not have the tags
        return _digest(f"\0 {_folded(text)}")
    return first_digest(text) if text.isascii() else _digest(_folded(text))


def _folded(text: str) -> str:
    return "ß".join(part.casefold() for part in re.split("[ßẞ]", _as_meant(text)))


def _as_meant(text: str) -> str:
    """Return *text* on one line, with compatibility characters of the same meaning replaced."""
    kept = _INVISIBLE.sub("", _CONTROL.sub("", _normalised("NFC", text)))
    plain = "".join(_plain(char) if char > "\x7f" else char for char in kept)
    joined = re.sub(r"\u200c|(?<=\w)\u200d|\u200d(?=\w)", "", plain)
    return _SPACE.sub(" ", _normalised("NFC", joined)).strip()


@functools.lru_cache(maxsize=4_096)
def _plain(char: str) -> str:
    kind, _, parts = unicodedata.decomposition(char).partition(">")
    is_meant = kind[1:] in _MEANT and not parts.startswith(" 0020 ")
    return unicodedata.normalize("NFKC", char) if is_meant else char


def first_digest(text: str) -> bytes:
    """Return the older form of `text_digest`; ids are made from it, so it must never change."""
    return _digest(normalise(text).casefold())


def _digest(folded: str) -> bytes:
    words = _WORD.findall(folded)
    while len(words) > 1 and words[-1] in {"?", "!", ".", "…"}:
        words.pop()
    return hashlib.sha256(" ".join(words).encode()).digest()


def foreign_share(text: str) -> float:
    """Return the share of letters, 0 to 1, that the shipped models cannot read.

    These are letters of other scripts than Latin, emoji, and whole words that are longer than any
    in a vocabulary. In texts of these, unrelated questions get high scores.
    """
    is_long = len(text) > _LONGEST_WORD
    if text.isascii() and not is_long:
        return 0.0
    words = text.split() if is_long else []
    unread = sum(len(word) for word in words if len(word) > _LONGEST_WORD)
    if text.isascii():
        return unread / max(1, sum(map(len, words))) if unread else 0.0
    letters = [char for char in normalise(text) if char.isalpha() or _is_picture(char)]
    if not letters:
        return 0.0
    latin = sum(unicodedata.name(char, "").startswith("LATIN") for char in letters)
    return max(1.0 - latin / len(letters), unread / max(1, sum(map(len, words))))


def _is_picture(char: str) -> bool:
    return char > "\u2000" and unicodedata.category(char) == "So"


def estimate_tokens(text: str) -> int:
    """Return an estimate of the tokens of *text*, without tokenising it."""
    return 3 + max(len(text) // 4, len(text.encode()) // 8)
