"""Pairs made by one small edit that changes or keeps the meaning, to teach close reading.

In published datasets nearly equal questions are seldom different, so a model trained on them alone
takes equal words for equal meaning. Pure: every choice comes from the given generator.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]+")
_NUMBER = re.compile(r"\b\d{1,5}\b")
_UNORDERED = re.compile(
    r"\b(?:and|or|between|vs\.?|versus|compared?|than|same|similar|differen\w+|equal|both|either)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"^(?P<rest>[A-Z]\w*'?\w* .+) (?P<place>in (?:the )?[A-Z][\w.]+(?: [A-Z]\w+)*)\?$"
)
_EITHER = re.compile(
    r"(?P<a>\w[\w.+#-]*) (?P<link>or|vs\.?|versus|and) (?P<b>\w[\w.+#-]*)(?=[\s?,.]|$)"
)
_FROM_TO = re.compile(r"\b(?P<a>[\w.+#-]+) (?P<link>to|into) (?P<b>[\w.+#-]+)(?=[\s?,.]|$)")
_BETWEEN = re.compile(r"\bbetween (?P<a>[^,?]{2,40}?) and (?P<b>[^,?]{2,40}?)(?=\?|$)")
_SUBJECTS = (
    "I|you|we|they|he|she|it|one|people|someone|anyone|women|men|girls|guys|students|Indians"
)
_VERBS = "should|can|could|would|will|do|does|did|is|are|was|were|has|have"
_CLAUSE = re.compile(rf"\b(?P<verb>{_VERBS}) (?P<subject>{_SUBJECTS}) (?!not\b)", re.IGNORECASE)

_OPPOSITES = (
    "increase decrease|gain lose|buy sell|before after|best worst|more less|cheap expensive|"
    "advantages disadvantages|open close|start stop|with without|legal illegal|good bad|easy hard|"
    "possible impossible|first last|men women|boys girls|boy girl|man woman|male female|"
    "husband wife|win lose|love hate|high low|rich poor|fast slow|long short|big small|old new|"
    "young old|hot cold|strong weak|safe dangerous|healthy unhealthy|happy sad|happy unhappy|"
    "save spend|learn teach|borrow lend|import export|upload download|install uninstall|"
    "enable disable|send receive|arrive leave|enter leave|accept reject|north south|east west|"
    "left right|inside outside|above below|over under|day night|morning evening|summer winter|"
    "remember forget|push pull|add remove|create delete|lock unlock|block unblock|like dislike|"
    "agree disagree|introvert extrovert|public private|positive negative|true false|"
    "maximum minimum|larger smaller|higher lower|better worse|pros cons|input output|"
    "lose gain|mother father|brother sister|son daughter|boyfriend girlfriend|always never"
)
_OPPOSITE: dict[str, str] = {}
for _pair in _OPPOSITES.split("|"):
    _left, _right = _pair.split()
    _OPPOSITE.setdefault(_left, _right)
    _OPPOSITE.setdefault(_right, _left)

Kin = Mapping[str, Sequence[str]]
"""For each word, in lower case, words that can replace it."""

Edit = Callable[[str, Kin, random.Random], str | None]


def swap_kindred(text: str, kin: Kin, choice: random.Random) -> str | None:
    """Return *text* with two words of one kind exchanged, or None if the meaning may stay the same.

    "Can a good person become bad" is another question; "is A or B better" is not.
    """
    if _UNORDERED.search(text):
        return None
    words = [match for match in _WORD.finditer(text) if match.group().lower() in kin]
    candidates = [
        (first, second)
        for position, first in enumerate(words)
        for second in words[position + 1 :]
        if second.group().lower() in kin[first.group().lower()]
        and second.group().lower() != first.group().lower()
    ]
    if not candidates:
        return None
    first, second = choice.choice(candidates)
    return (
        text[: first.start()]
        + _cased(second.group(), like=first.group())
        + text[first.end() : second.start()]
        + _cased(first.group(), like=second.group())
        + text[second.end() :]
    )


def swap_direction(text: str, kin: Kin, _choice: random.Random) -> str | None:
    """Return *text* with the direction reversed: "B to A" instead of "A to B", or None."""
    for found in _FROM_TO.finditer(text):
        a, b = found["a"], found["b"]
        if a.lower() in kin and b.lower() in kin and a.lower() != b.lower():
            turned = f"{_cased(b, like=a)} {found['link']} {_cased(a, like=b)}"
            return text[: found.start()] + turned + text[found.end() :]
    return None


def replace_name(text: str, kin: Kin, choice: random.Random) -> str | None:
    """Return *text* with one name replaced by another of its kind, or None if it has none."""
    names = [
        match
        for match in _WORD.finditer(text)
        if match.start() and match.group()[0].isupper() and kin.get(match.group().lower())
    ]
    if not names:
        return None
    name = choice.choice(names)
    other = choice.choice(list(kin[name.group().lower()]))
    return text[: name.start()] + _cased(other, like=name.group()) + text[name.end() :]


def change_number(text: str, _kin: Kin, choice: random.Random) -> str | None:
    """Return *text* with one number changed, or None if it has none."""
    # Years are not changed: labellers call "the best of 2016" and "of 2017" one question.
    numbers = [match for match in _NUMBER.finditer(text) if match.group()[:2] not in {"19", "20"}]
    if not numbers:
        return None
    number = choice.choice(numbers)
    value = int(number.group())
    other = value + choice.choice([1, 2, 3, 5, 10, value + 1])
    return text[: number.start()] + str(other) + text[number.end() :]


def negate(text: str, _kin: Kin, choice: random.Random) -> str | None:
    """Return *text* with a "not" added, or None if it has no fitting clause."""
    clauses = list(_CLAUSE.finditer(text))
    if not clauses:
        return None
    clause = choice.choice(clauses)
    return text[: clause.end()] + "not " + text[clause.end() :]


def turn_opposite(text: str, _kin: Kin, choice: random.Random) -> str | None:
    """Return *text* with one word replaced by its opposite, or None if no word has one."""
    words = [match for match in _WORD.finditer(text) if match.group().lower() in _OPPOSITE]
    if not words:
        return None
    word = choice.choice(words)
    other = _cased(_OPPOSITE[word.group().lower()], like=word.group())
    return text[: word.start()] + other + text[word.end() :]


def swap_equals(text: str, kin: Kin, _choice: random.Random) -> str | None:
    """Return *text* with the sides of an "or", "versus" or "between ... and" exchanged, or None."""
    if found := _BETWEEN.search(text):
        a, b = found["a"], found["b"]
        return f"{text[: found.start()]}between {b} and {a}{text[found.end() :]}"
    found = _EITHER.search(text)
    if found is None or not {found["a"].lower(), found["b"].lower()} <= kin.keys():
        return None
    turned = f"{found['b']} {found['link']} {found['a']}"
    return text[: found.start()] + turned + text[found.end() :]


def front_place(text: str, _kin: Kin, _choice: random.Random) -> str | None:
    """Return *text* with the place at its end moved to the front, or None if it has none."""
    found = _PLACE.match(text)
    if found is None:
        return None
    rest = found["rest"]
    rest = rest if rest.startswith("I ") else rest[0].lower() + rest[1:]
    return f"{found['place'][0].upper()}{found['place'][1:]}, {rest}?"


KEPT: tuple[Edit, ...] = (swap_equals, front_place)
"""Edits that do not change the meaning."""


def made_up(
    texts: Sequence[str], kin: Kin, *, edits: Mapping[Edit, int], choice: random.Random
) -> Iterator[tuple[str, str, Edit]]:
    """Yield (question, edited question, edit), up to the number wanted of each edit."""
    for edit, wanted in edits.items():
        made = 0
        for text in choice.sample(texts, len(texts)):
            if made == wanted:
                break
            if (edited := edit(text, kin, choice)) is not None and edited != text:
                made += 1
                yield text, edited, edit


def _cased(word: str, *, like: str) -> str:
    return word[0].upper() + word[1:] if like[0].isupper() else word[0].lower() + word[1:]
