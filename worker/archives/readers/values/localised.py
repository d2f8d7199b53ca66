"""Chooses one text of a value that has one for each language."""

import re
from collections.abc import Iterable
from typing import Any

_LANGUAGES = frozenset({
    "af", "am", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo",
    "es", "et", "eu", "fa", "fi", "fil", "fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id",
    "is", "it", "ja", "ka", "kk", "km", "kn", "ko", "ky", "lb", "lo", "lt", "lv", "mk", "ml", "mn",
    "mr", "ms", "mt", "my", "nb", "ne", "nl", "nn", "no", "pa", "pl", "ps", "pt", "ro", "ru", "sd",
    "si", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "uz", "vi",
    "zh", "und", "default",
})  # fmt: skip
_TAG = re.compile(r"(?:x-)?([a-z]{2,7})(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_FIRST = ("en", "default")
_OF_LANGUAGE = (
    "lang", "language", "locale", "@language", "languageCode", "language_code", "langcode",
    "@lang", "xml:lang",
)  # fmt: skip
_OF_TEXT = ("value", "text", "@value", "#text", "title", "name", "content", "translation")


def localised(value: object) -> object:
    """Return the text in English, or else the first one, of a value with a text for each language.

    Such a value is ``{"en": "...", "de": "..."}``, or a list of objects with a language and a text.
    Any other value is returned unchanged.
    """
    if isinstance(value, dict):
        return _chosen(value.items()) if _is_by_language(value) else value
    if isinstance(value, list) and value and all(map(_has_language, value)):
        return _chosen((_at(one, _OF_LANGUAGE), _at(one, _OF_TEXT)) for one in value)
    return value


def _is_by_language(value: dict[str, Any]) -> bool:
    if not value or value.keys() == {"id"}:
        return False
    return all(_main(key) in _LANGUAGES and isinstance(text, str) for key, text in value.items())


def _main(tag: object) -> str:
    found = _TAG.fullmatch(str(tag))
    return found[1] if found else ""


def _has_language(value: object) -> bool:
    return (
        isinstance(value, dict)
        and _main(_at(value, _OF_LANGUAGE)) in _LANGUAGES
        and isinstance(_at(value, _OF_TEXT), str)
    )


def _at(value: dict[str, Any], keys: Iterable[str]) -> Any:
    return next((value[key] for key in keys if key in value), None)


def _chosen(texts: Iterable[tuple[str, str]]) -> str:
    found = [(_main(tag), text) for tag, text in texts if text.strip()]
    wanted = (text for first in _FIRST for main, text in found if main == first)
    return next(wanted, found[0][1] if found else "")
