"""Makes pairs from templates: a small change makes another question, other words do not.

They teach what labelled pairs seldom show: swapped roles and directions, numbers, versions,
negation, before and after. The templates are in ``templates.toml``. Pure, except for that file.
"""

import random
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice

from training.data.pairs import LabelledPair

_NUMBERS = (2, 5, 16, 18, 32, 50, 64, 80, 90, 100, 200, 404, 443, 500, 800, 1_000, 8_080)
_STEPS = (1, 2, 5, 10, 100)
_LOWER = 0.3
"""Share of the pairs in lower case, as many people type."""
_OTHER_WORDS = 0.4
"""Share of the changed pairs in which the other words differ too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Templates of one kind of change, with the values that fill them."""

    name: str
    change: str
    templates: Sequence[str]
    values: Sequence[tuple[str, str]] = (("", ""),)
    objects: Sequence[str] = ("",)


Made = tuple[str, str, float]


def from_templates(wanted: int, choice: random.Random) -> list[LabelledPair]:
    """Return *wanted* pairs, about equally many of each family; *choice* decides them."""
    return [LabelledPair(*pair) for pair in islice(_endless(choice), wanted)]


@cache
def families() -> tuple[Family, ...]:
    """Return the families of ``templates.toml``."""
    held = tomllib.loads((files("training.data") / "templates.toml").read_text(encoding="utf-8"))
    return tuple(
        Family(**one | {"values": [tuple(pair) for pair in one.get("values", [["", ""]])]})
        for one in held["family"]
    )


def _endless(choice: random.Random) -> Iterator[Made]:
    while True:
        for family in families():
            left, right, label = _CHANGES[family.change](family, choice)
            if left != right:
                lower = choice.random() < _LOWER
                yield (left.lower(), right.lower(), label) if lower else (left, right, label)


def _two(family: Family, choice: random.Random) -> tuple[str, str]:
    """Return a template for each side, often the same one."""
    one = choice.choice(family.templates)
    return one, choice.choice(family.templates) if choice.random() < _OTHER_WORDS else one


def _swap(family: Family, choice: random.Random) -> Made:
    a, b = choice.choice(family.values)
    if choice.random() < 0.5:  # noqa: PLR2004  # even odds
        one, other = choice.sample(list(family.templates), 2)
        return one.format(a=a, b=b), other.format(a=a, b=b), 1.0
    one, other = _two(family, choice)
    return one.format(a=a, b=b), other.format(a=b, b=a), 0.0


def _turn(family: Family, choice: random.Random) -> Made:
    a, b = choice.choice(family.values)
    template = choice.choice(family.templates)
    return template.format(a=a, b=b), template.format(a=b, b=a), 0.0


def _replace(family: Family, choice: random.Random) -> Made:
    a, b = choice.choice(family.values)
    o, template = choice.choice(family.objects), choice.choice(family.templates)
    return template.format(a=a, o=o), template.format(a=b, o=o), 0.0


def _number(family: Family, choice: random.Random) -> Made:
    n, template = choice.choice(_NUMBERS), choice.choice(family.templates)
    return template.format(n=n), template.format(n=n + choice.choice(_STEPS)), 0.0


def _reword(family: Family, choice: random.Random) -> Made:
    one, other = choice.sample(list(family.templates), 2)
    o, o2 = choice.sample(list(family.objects), 2)
    if choice.random() < 0.5:  # noqa: PLR2004  # even odds
        return one.format(o=o), other.format(o=o), 1.0
    return one.format(o=o), one.format(o=o2), 0.0


def _synonym(family: Family, choice: random.Random) -> Made:
    left, right, _ = _replace(family, choice)
    return left, right, 1.0


_CHANGES: Mapping[str, Callable[[Family, random.Random], Made]] = {
    "swap": _swap,
    "turn": _turn,
    "replace": _replace,
    "number": _number,
    "reword": _reword,
    "synonym": _synonym,
}
