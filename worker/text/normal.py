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
"""Characters of a question that reach the models; about 128 tokens, what they were trained on."""
FOREIGN_LIMIT = 0.5
"""Share of non-Latin letters above which the English models are not believed."""
FOREIGN_WARNING = (
    "the text is mostly not in Latin letters, which the models do not know:"
    " only questions with the same text are found"
)

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u00ad]")
_SPACE = re.compile(r"\s+")
_LEADING_TAGS = re.compile(r"^(?:\s*\[[^\[\]]{1,30}\])+\s*[:\-]?\s*")
_WORD = re.compile(r"\w+|[^\w\s]")
_FIRST_MARK, _BASIC_END, _MARKS_END = "\u0300", "\uffff", "\U0001ffff"
_MARKS_IN_A_ROW = 30
"""No language sets more on one letter (Unicode Annex 15, Stream-Safe Text Format)."""


@functools.cache
def _mark_runs(last: str) -> re.Pattern[str]:
    """Return what finds more marks, up to the character *last*, than may stand in a row.

    A mark is what decomposes into a combining character first. Python sorts a run of them in the
    square of its length: 250 KB of accents would keep a core busy for a minute and a half.
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
    """What a CrossEncoder reads of a question; a property of its calibration."""

    WHOLE = "whole"
    """What the bi-encoder reads too."""
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the models see of a question, one line each."""

    whole: str
    """What the bi-encoder reads: as many fields as the forum has chosen."""
    title: str

    @property
    def body(self) -> str:
        """Return what the bi-encoder reads after the title; empty where it reads no more."""
        return self.whole[len(self.title) :].lstrip()

    def for_reranker(self, reads: Reads) -> str:
        """Return what a CrossEncoder that *reads* this sees."""
        return self.title if reads is Reads.TITLE else self.whole


def clean(text: str) -> str:
    """Return *text* without control and invisible characters, in NFC, surrounding space removed.

    Line breaks and tabs stay: this text is stored and shown.
    """
    if text.isascii() and text.isprintable():  # most questions: nothing to look for
        return text.strip()
    return _INVISIBLE.sub("", _CONTROL.sub("", _normalised("NFC", text))).strip()


def normalise(text: str) -> str:
    """Return *text* on one line, in NFKC, without control or invisible characters."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return _SPACE.sub(" ", clean(_normalised("NFKC", text))).strip()


def strip_tags(title: str) -> str:
    """Return *title* without leading bracketed tags such as ``[Bug]``, unless nothing would remain.

    Such prefixes made unrelated questions look similar to every model that was measured.
    """
    stripped = _LEADING_TAGS.sub("", title)
    return stripped if len(_WORD.findall(stripped)) > 1 else title


def model_text(title: str, body: str = "", *, fields: TextFields = TextFields.TITLE) -> str:
    """Return the one line of text that the bi-encoder reads of a question."""
    text = strip_tags(normalise(title))
    if fields is TextFields.TITLE_BODY and body:
        text = f"{text} {normalise(body[: 2 * MODEL_TEXT_LENGTH])}"
    return text[:MODEL_TEXT_LENGTH].rstrip()


def seen(title: str, body: str = "", *, fields: TextFields = TextFields.TITLE) -> Seen:
    """Return what the models see of a question: the bi-encoder, and a CrossEncoder of titles."""
    alone = model_text(title)
    is_whole = fields is TextFields.TITLE or not body
    return Seen(alone if is_whole else model_text(title, body, fields=fields), alone)


def full_text(title: str, body: str = "", *, fields: TextFields = TextFields.TITLE) -> str:
    """Return all of the text that decides whether two questions are the same text."""
    return f"{title} {body}" if fields is TextFields.TITLE_BODY else title


def text_digest(text: str) -> bytes:
    """Return 32 bytes that are equal for two texts that a reader would call the same.

    Case, spaces and closing punctuation do not count; every word, number and inner sign does.
    """
    words = _WORD.findall(normalise(text).casefold())
    while len(words) > 1 and words[-1] in {"?", "!", ".", "…"}:
        words.pop()
    return hashlib.sha256(" ".join(words).encode()).digest()


def foreign_share(text: str) -> float:
    """Return the share of letters, 0 to 1, that are not of the Latin script.

    The shipped models know English; in other scripts unrelated questions score high.
    """
    if text.isascii():
        return 0.0
    letters = [char for char in normalise(text) if char.isalpha()]
    if not letters:
        return 0.0
    latin = sum(unicodedata.name(char, "").startswith("LATIN") for char in letters)
    return 1.0 - latin / len(letters)


def estimate_tokens(text: str) -> int:
    """Return about how many tokens *text* has, without tokenising it."""
    return 3 + max(len(text) // 4, len(text.encode()) // 8)
