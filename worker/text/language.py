"""Detects the language of a text in Latin letters, to warn that the models know English only."""

import functools
from contextlib import suppress
from threading import Lock

import structlog
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from worker.text.normal import FOREIGN_LIMIT, FOREIGN_WARNING

ENGLISH, UNDETERMINED = "en", "und"
_LAST_LATIN = "\u02ff"
_FEWEST_WORDS = 2
_SHORT = 4
"""Words below which a text is short."""
_MARGIN = 20.0
"""How much larger another language's log probability must be than that of English.

Measured: of 6,000 English titles of four kinds one in two thousand exceeds it, of 18 titles in 15
other languages all but one.
"""
_SHORT_MARGIN = 15.0
"""The margin for short texts in ASCII.

Texts with marks keep the larger one: one mark, as in "café near me", weighs much among few letters.
Measured: of 1,394 English titles of two or three words two exceed it, of 46 in 17 other languages
34.
"""
_UNDETERMINED = frozenset({"zxx", "pcm", "la", "eo"})
"""The detector wrongly reports these for names, code and pidgin."""

_LOADING = Lock()

log = structlog.get_logger()


def other_language(text: str) -> str | None:
    """Return the ISO 639 code of the language of *text*; None unless it is surely not English.

    A single word is never sure. The detector is unpacked into a temporary file; if that fails, the
    result is None, because a missing warning is better than an error.
    """
    words = len(text.split())
    if words < _FEWEST_WORDS:
        return None
    try:
        identifier = _identifier()
        if identifier.classify(text)[0] == ENGLISH:  # most texts: no ranking is needed
            return None
        ranked = identifier.rank(text)
    except OSError as error:
        log.warning("language.not_detected", error=type(error).__name__)
        return None
    language, best = ranked[0]
    english = next(score for code, score in ranked if code == ENGLISH)
    is_other = best - english > _margin(text, words) and language not in _UNDETERMINED
    return str(language) if is_other else None


def _margin(text: str, words: int) -> float:
    return _SHORT_MARGIN if words < _SHORT and text.isascii() else _MARGIN


def warnings_of(text: str, *, foreign_share: float) -> list[str]:
    """Return warnings about the language of *text*; none if the models know it.

    *foreign_share* is `worker.text.normal.foreign_share` of the whole compared text.
    """
    if foreign_share > FOREIGN_LIMIT:
        return [FOREIGN_WARNING]
    language = other_language(text)
    if language is None:
        return []
    return [f"the language of the text seems to be {language}: the models know English alone"]


def language_of(text: str, *, foreign_share: float) -> str:
    """Return the ISO 639 code of the language of *text*: "en" unless it is surely another one.

    The code is "und" (undetermined) for emoji and other signs of no language. *foreign_share* is as
    in `warnings_of`.
    """
    if foreign_share <= FOREIGN_LIMIT:
        return other_language(text) or ENGLISH
    if not any(char.isalpha() and char > _LAST_LATIN for char in text):
        return UNDETERMINED
    try:
        return str(_identifier().classify(text)[0])
    except OSError as error:
        log.warning("language.not_detected", error=type(error).__name__)
        return UNDETERMINED


def get_ready() -> None:
    """Load the detector, which takes nearly a second, before a question waits for it."""
    with suppress(OSError):  # the first question logs it
        _identifier()


def _identifier() -> LanguageIdentifier:
    with _LOADING:  # otherwise two threads could load it twice
        return _loaded()


@functools.cache
def _loaded() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE)
