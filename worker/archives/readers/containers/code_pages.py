"""Detects the code page of a text that is not UTF-8, by the look of its words in each page.

Few words are enough: in the right code page no capital follows a small letter inside a word, no
word mixes scripts, and no sign is inside a word. Libraries that count letters need more text than a
short export has, and took Cyrillic for Japanese.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

_PAGES = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "iso8859_2", "koi8_r",
    "koi8_u",
    "mac_roman", "cp850", "cp866", "cp437", "cp874", "iso8859_5", "iso8859_7", "cp1257",
    "iso8859_13",
    "iso8859_4", "mac_cyrillic", "cp852", "mac_latin2", "cp857", "mac_turkish", "cp775", "cp855",
    "cp737", "cp869", "mac_greek",
)  # fmt: skip
"""The more common page is first: it is chosen if two read a text equally well."""
_WORD = re.compile(r"[^\s!-/:-@\[-`{-~]+")
_FOREIGN_RUN = 3
_QUOTES = frozenset(
    "\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u2026\u2013\u2014\u20ac\u00a0\u00bf\u00a1\u00b0\u00a7\u00aa\u00ba"
)
_BETWEEN = frozenset("\u201c\u201d\u201e\u00ab\u00bb\u20ac\u00bf\u00a1\u00b0\u00a7")
"""Those that are not between two letters of a word."""
_ICELANDIC = frozenset("\u00fe\u00f0\u00fd\u00de\u00d0\u00dd")
_ACUTE = frozenset("\u00e1\u00ed\u00f3\u00fa\u00e6")
_HEBREW, _CYRILLIC = re.compile("[\u0430-\u044a]"), re.compile("[^\\W\u0430-\u044a\x00-\x7f]")
"""The letters of Hebrew read as Cyrillic, and the other letters of Cyrillic."""
_UPSILON = "\u03b0"
"""No Greek word begins with this letter; Hebrew read as Greek often does."""
_WRONG, _READS_WELL, _ENOUGH = 5.0, 0.5, 15
_LOOKED = 1 << 14
"""Bytes that are looked at."""
_OF_OTHERS = 0.4
"""The fault of a text none of whose letters is in the alphabet of its likeliest language."""
_ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        "àâæçèéêëîïôœùûüÿ",
        "äöüß",
        "áéíñóúü",
        "àáâãçéêíóôõúü",
        "àèéìíòóùúî",
        "èéëïöüóá",
        "áðéíóúýþæö",
        "æøåéôòóèêäö",
        "åäöéáà",
        "àçéèíïóòúü",
        "ąćęłńóśźż",
        "áčďéěíňóřšťúůýž",
        "áäčďéíĺľňóôŕšťúýž",
        "áéíóöőúüű",
        "ăâîșțşţ",
        "čćđšž",
        "çğıöşü",
        "ąčęėįšųūž",
        "āčēģīķļņšūžŗō",
        "äõöšüž",
        "çë",
        "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
        "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя'",
        "абвгдђежзијклљмнњопрстћуфхцчџш",
        "абвгдѓежзѕијклљмнњопрстќуфхцчџш",
        "абвгдеёжзійклмнопрстуўфхцчшыьэюя",
        "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
    )
)
"""The letters of languages, without those of ASCII."""


def likely_page(sample: bytes) -> str | None:
    """Return the one-byte code page in which *sample* reads best; None if it reads badly in all."""
    some = sample[:_LOOKED]
    scores = {page: score for page in _PAGES if (score := _score(some, page)) is not None}
    best = min(scores, key=lambda page: scores[page], default=None)
    return best if best is not None and scores[best] < _READS_WELL else None


def _score(sample: bytes, page: str) -> float | None:
    """Return the mean number of faults of a word in this code page; None if it cannot be read."""
    try:
        text = sample.decode(page)
    except (UnicodeDecodeError, LookupError):
        return None
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    turkish = bool(_ICELANDIC & set(text)) and not _ACUTE & set(text)
    faults = sum(fault for word in words for fault in _faults(word, turkish=turkish))
    is_hebrew = len(_HEBREW.findall(text)) > _ENOUGH and not _CYRILLIC.search(text)
    return faults / max(1, len(words)) + (_WRONG if is_hebrew else 0) + _of_others(words)


def _of_others(words: Sequence[str]) -> float:
    """Return the fault of letters that the likeliest language of the text does not have."""
    counts = Counter(char for char in "".join(words).casefold() if _has_alphabet(char))
    best = max(sum(counts[char] for char in letters & counts.keys()) for letters in _ALPHABETS)
    return _OF_OTHERS * (1 - best / counts.total()) if counts else 0


@cache
def _has_alphabet(char: str) -> bool:
    return char.isalpha() and not char.isascii() and _script(char) in {"LATIN", "CYRILLIC", "GREEK"}


def _faults(word: str, *, turkish: bool) -> Iterator[float]:
    """Yield the faults of a word, weighted: of each sign, and of the whole word."""
    before, foreign, scripts = "", 0, set[str]()
    for place, char in enumerate(word):
        kind = unicodedata.category(char)
        if kind[0] == "L":
            script = _script(char)
            scripts.add(script)
            foreign = foreign + 1 if script == "LATIN" and not char.isascii() else 0
            yield 1 if before == "Ll" and kind == "Lu" else 0
            yield 2 if foreign == _FOREIGN_RUN else 0
            yield 2 if char == _UPSILON and place == 0 else 0
            yield 0.4 if turkish and char in _ICELANDIC else 0
        elif kind[0] == "C":
            yield _WRONG
        elif char in _BETWEEN and before[:1] == "L" and any(map(str.isalpha, word[place:])):
            yield 1
        elif not char.isascii() and char not in _QUOTES:
            yield 1 if kind[0] in "SN" else 0.3
        before = kind
    yield 2 if len(scripts) > 1 else 0


@cache
def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]
