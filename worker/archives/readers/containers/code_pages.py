"""Detects the code page of a text that is not UTF-8, by the look of its words in each page.

Few words are enough: in the right code page no capital follows a small letter inside a word, no
word mixes scripts, and no sign is inside a word. Libraries that count letters need more text than a
short export has, and took Cyrillic for Japanese.
"""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

_PAGES = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "iso8859_2", "koi8_r",
    "koi8_u", "cp850", "cp437", "mac_roman", "cp866", "cp874", "iso8859_5", "iso8859_7", "cp1257",
    "iso8859_13",
    "iso8859_4", "mac_cyrillic", "cp852", "mac_latin2", "cp857", "mac_turkish", "cp775", "cp855",
    "cp737", "cp869", "mac_greek", "cp862", "iso8859_6", "cp860", "cp861", "cp865", "cp1125",
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
_WRONG, _READS_WELL, _ENOUGH, _CAPITAL, _MIXED = 5.0, 0.55, 15, 0.05, 0.3
_LOOKED = 1 << 14
"""Bytes that are looked at."""
_OF_OTHERS = 0.4
"""The fault of a text none of whose letters is in the alphabet of its likeliest language."""
_ALPHABETS = tuple(
    (frozenset(common), frozenset(common + rare))
    for common, rare in (
        ("éèàêçûôî", "âæëïœùüÿ"),
        ("äöüß", ""),
        ("áéíñóú", "ü"),
        ("ãçáéíóêõâ", "àôúü"),
        ("èàòùìé", "íóúî"),
        ("éë", "èïöüóá"),
        ("áðéíóþö", "úýæ"),
        ("åøæ", "éôóòèêäö"),
        ("åäö", "éà"),
        ("éàèíó", "çïòúü"),
        ("ąęłóśż", "ćńź"),
        ("áčéěířšůýž", "ďňóťú"),
        ("áčéíľšťúýž", "äďĺňóôŕ"),
        ("áéóöőíű", "úü"),
        ("ăîșțşţ", "â"),
        ("čćšž", "đ"),
        ("ıçğöşü", ""),
        ("ėųšįžūčąę", ""),
        ("āīēšķļņū", "čģžŗō"),
        ("äõöü", "šž"),
        ("ë", "ç"),
        ("абвгдежзийклмнопрстуфхцчшщъыьэюяё", ""),
        ("абвгґдеєжзиіїйклмнопрстуфхцчшщьюя'", ""),
        ("абвгдђежзијклљмнњопрстћуфхцчџш", ""),
        ("абвгдѓежзѕијклљмнњопрстќуфхцчџш", ""),
        ("абвгдеёжзійклмнопрстуўфхцчшыьэюя", ""),
        ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ", "ϊϋΐΰ"),
    )
)
"""The frequent and all letters of languages, without those of ASCII."""
_KANA, _HANGUL = re.compile("[\u3041-\u30fe]"), re.compile("[\uac00-\ud7a3]")
_LEVEL_1: Mapping[str, tuple[int, int]] = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6)}
"""The first bytes of the everyday signs of Chinese."""
_HIRAGANA = re.compile("[\u3041-\u3093]")
_CONCORDANCE = b"\xfe\x14\xfe"
_UTF_7 = re.compile(rb"\+[A-Za-z0-9+/]{3,}-?")
_MOST, _HALF, _BARELY, _SOME = 0.85, 0.5, 0.3, 0.15
_VOWELS = frozenset("аеиоу")
_SHORT, _FEW_VOWELS = 8, 0.33


def east_asian(sample: bytes) -> str | None:
    """Return the code page of Japanese, Korean or Chinese in which *sample* surely reads well."""
    some = sample[:_LOOKED]
    for page in ("cp932", "euc_jp"):
        text = _decoded(some, page)
        if _share(text, _KANA) >= _HALF and _share(text, _HIRAGANA) >= _SOME:
            return page
    scores = [score for page in _PAGES if (score := _score(some, page)) is not None]
    if min(scores, default=_WRONG) <= _BARELY:
        return None
    if _share(_decoded(some, "euc_kr"), _HANGUL) > _MOST:
        return "cp949"
    return next((page for page, ends in _LEVEL_1.items() if _is_everyday(some, page, ends)), None)


def _decoded(sample: bytes, page: str) -> str:
    """Return *sample* in this code page; empty if it is not valid, except for a cut last sign."""
    try:
        return codecs.getincrementaldecoder(page)().decode(sample)
    except UnicodeDecodeError:
        return ""


def _share(text: str, wanted: re.Pattern[str]) -> float:
    signs = sum(1 for char in text if not char.isascii())
    return len(wanted.findall(text)) / signs if signs else 0


def _is_everyday(sample: bytes, page: str, ends: tuple[int, int]) -> bool:
    """Return whether most signs of *sample* have a first byte between these *ends*."""
    firsts = [char.encode(page)[0] for char in _decoded(sample, page) if not char.isascii()]
    within = sum(1 for first in firsts if ends[0] <= first <= ends[1])
    return bool(firsts) and within >= _MOST * len(firsts)


def of_marks(sample: bytes) -> str | None:
    """Return the encoding of a text whose marks show it: UTF-7, or the quotes of Concordance."""
    if _CONCORDANCE in sample:
        return "cp1252"
    found = _UTF_7.findall(sample) if sample.isascii() else []
    if not found or any(part.rstrip(b"-") != _again(part) for part in found):
        return None
    return "utf-7" if sample.count(b"+") == len(found) + sample.count(b"+-") else None


def _again(part: bytes) -> bytes:
    """Return *part* of UTF-7 decoded and encoded; other bytes if it is none of letters."""
    try:
        text = part.decode("utf-7")
    except UnicodeDecodeError:
        return b""
    return text.encode("utf-7").rstrip(b"-") if text.isprintable() and not text.isascii() else b""


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
    whole = "".join(words)
    scripts = {_script(char) for char in set(whole) if char.isalpha() and not char.isascii()}
    mixed = _MIXED if "LATIN" in scripts and len(scripts) > 1 else 0
    wrong = _WRONG if _is_hebrew(whole) else 0
    return faults / max(1, len(words)) + wrong + mixed + _of_others(words)


def _is_hebrew(text: str) -> bool:
    """Return whether Cyrillic *text* is Hebrew in truth, which has no capitals and few vowels."""
    if not (text.islower() or text.isupper()):
        return False
    text = text.lower()
    found = _HEBREW.findall(text)
    if _CYRILLIC.search(text):
        return False
    has_few = sum(1 for char in found if char in _VOWELS) < _FEW_VOWELS * len(found)
    return len(found) > _ENOUGH or (len(found) >= _SHORT and has_few)


def _of_others(words: Sequence[str]) -> float:
    """Return the fault of letters that the likeliest language of the text does not have."""
    counts = Counter(char for char in "".join(words).casefold() if _has_alphabet(char))
    total = counts.total()
    best = max(
        2 * sum(counts[char] for char in every & counts.keys())
        + sum(counts[char] for char in common & counts.keys())
        for common, every in _ALPHABETS
    )
    return _OF_OTHERS * (1 - best / (3 * total)) if total else 0


@cache
def _has_alphabet(char: str) -> bool:
    return char.isalpha() and not char.isascii() and _script(char) in {"LATIN", "CYRILLIC", "GREEK"}


def _faults(word: str, *, turkish: bool) -> Iterator[float]:
    """Yield the faults of a word, weighted: of each sign, and of the whole word."""
    before, foreign, scripts = "", 0, set[str]()
    signs = sum(1 for char in word if not char.isascii() and not char.isalpha())
    yield 1 if signs > 1 and 2 * signs >= len(word) else 0
    for place, char in enumerate(word):
        kind = unicodedata.category(char)
        if kind[0] == "L":
            script = _script(char)
            scripts.add(script)
            foreign = foreign + 1 if script == "LATIN" and not char.isascii() else 0
            yield 1 if before == "Ll" and kind == "Lu" else 0
            yield _CAPITAL if kind == "Lu" and script == "LATIN" and not char.isascii() else 0
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
