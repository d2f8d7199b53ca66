"""Which language a text in Latin letters is in: the models know English alone, and say so."""

import functools

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from worker.text import FOREIGN_LIMIT, FOREIGN_WARNING

_FEWEST_WORDS = 4
_MARGIN = 20.0
"""How much likelier, as a logarithm, another language must be than English.

Of 6,000 English titles of four kinds one in two thousand passes it, of 18 titles in 15 other
languages all but one.
"""
_UNDETERMINED = frozenset({"zxx", "pcm", "la", "eo"})
"""Names, code and pidgin are taken for these."""


def other_language(text: str) -> str | None:
    """Return the code (ISO 639) of the language of *text* if it is surely not English, else None.

    Texts of less than four words are never sure.
    """
    if len(text.split()) < _FEWEST_WORDS:
        return None
    ranked = _identifier().rank(text)
    language, best = ranked[0]
    english = next(score for code, score in ranked if code == "en")
    is_other = best - english > _MARGIN and language not in _UNDETERMINED
    return str(language) if is_other else None


def warnings_of(text: str, *, foreign_share: float) -> list[str]:
    """Return what to tell of the language of *text*; nothing where the models know it.

    *foreign_share* is what `worker.text.foreign_share` says of all that is compared.
    """
    if foreign_share > FOREIGN_LIMIT:
        return [FOREIGN_WARNING]
    language = other_language(text)
    if language is None:
        return []
    return [f"the language of the text seems to be {language}: the models know English alone"]


@functools.cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE)
