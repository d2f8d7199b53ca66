"""Finds which rows of an unknown table everybody may read, if the values have to show it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from db.wording import counted
from worker.archives.readers.meaning.hiding import Rule, kinds, roles, shown_flags, states
from worker.archives.readers.meaning.languages import plain
from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.table import Table
from worker.archives.readers.values.conditions import ABSENT, NO, NULLS, YES, Condition, value_at

_SHOWN = 8
_SAMPLED, _LONGEST = 5_000, 40
_CODE = re.compile(r"-?\d{1,3}|true|false|yes|no|[a-z]")
_NUMBER, _WORD = re.compile("(?:id|code|num)$"), re.compile("(?:name|text|label|title|desc)$")
_QUESTIONS = frozenset({"question", "questions", "q", "q&a", "qna", "qa", "ask", "frage"})
_OTHERS = frozenset({
    "article", "articles", "blog", "blogpost", "blog post", "blog_post", "news", "event", "job",
    "jobs", "page", "poll", "tutorial", "video", "wiki", "release", "changelog", "productupdate",
    "product update", "product_update", "announcement", "link", "document", "tool", "kb", "a",
    "answer",
})  # fmt: skip
"""Kinds of rows that are no questions, if other rows of the same column are questions."""
_SEVERAL = 10
_NUMBERS, _BOTH = re.compile(r"[-+]?[\d.,]*"), {"true", "false"}
_EMPTY, _EMPTY_TEXTS = frozenset({"empty", ABSENT}), frozenset({""})


def unsaid(tables: Sequence[Table], names: Sequence[str]) -> Iterator[Rule]:
    """Yield the rules of columns, among *names*, whose values have no known meaning by themselves.

    If a column such as ``status`` has only one number, rows with another one are hidden. If a
    column such as ``approved`` is filled for some rows, the others are not approved. Raises
    `UnreadableArchiveError` if a column has several numbers, because it is not known which of them
    everybody may read.
    """
    yield from _kinds(tables, kinds(names))
    numbered, flags = states(names), shown_flags(names)
    numbered = [name for name in numbered if not _is_said(tables, name, names)]
    found = _texts(tables, [*numbered, *flags])
    for name in roles(numbered):
        if "" in found[name]:  # who is named may read it, otherwise everybody
            numbered.remove(name)
            yield "private", Condition(name, _EMPTY - {ABSENT}, negated=True)
    for name in numbered:
        counts = Counter({text: n for text, n in found[name].items() if _CODE.fullmatch(text)})
        if found[name].keys() - counts.keys() - NULLS:  # beside words a letter or a no is a word
            counts = Counter({text: n for text, n in counts.items() if text[-1].isdigit()})
        if len(counts) > 1:
            _ask_about(name, counts)
        for code in counts:
            rule = Condition(name, frozenset({code, f"{code}.0", ""}), negated=True)
            yield f"another {name}", rule
    for name in flags:
        if "" in found[name] and found[name].keys() - NO - _EMPTY_TEXTS:
            yield f"{name} is empty", Condition(name, _EMPTY)


def wordless(table: Table, names: Iterable[str]) -> dict[str, bool]:
    """Return the columns, among *names*, whose values are all numbers, or yes and no.

    It is certain (True) that these are no texts if there are several, or both true and false.
    """
    found = _texts([table], list(names))
    return {
        name: counts.total() - counts[""] >= _SEVERAL or counts.keys() >= _BOTH
        for name, counts in found.items()
        if counts.keys() - _EMPTY_TEXTS and not any(map(_is_word, counts))
    }


def _is_word(text: str) -> bool:
    return text not in YES | NO and _NUMBERS.fullmatch(text) is None


def _kinds(tables: Sequence[Table], names: Sequence[str]) -> Iterator[Rule]:
    """Yield the rules of columns that name questions among other kinds, such as articles."""
    for name, found in _texts(tables, names).items():
        if found.keys() & _QUESTIONS and found.keys() & _OTHERS:
            yield "no question", Condition(name, _OTHERS)


def _is_said(tables: Sequence[Table], name: str, names: Sequence[str]) -> bool:
    """Return whether a column of words, such as ``type`` beside ``type_id``, says as much."""
    stem = _NUMBER.sub("", plain(name))
    beside = next((one for one in names if one != name and _WORD.sub("", plain(one)) == stem), None)
    if beside is None:
        return False
    codes: dict[str, str] = {}
    for table in tables:
        for row in islice(table.rows(), _SAMPLED):
            values = {} if isinstance(row.values, str) else row.values
            word, code = (_plain(value_at(values, one)) for one in (beside, name))
            if codes.setdefault(word, code) != code or (
                code and (not word or _CODE.fullmatch(word))
            ):
                return False
    return True


def _texts(tables: Sequence[Table], names: Sequence[str]) -> dict[str, Counter[str]]:
    """Return how often the first rows have each text in the columns *names*."""
    found: dict[str, Counter[str]] = {name: Counter() for name in names}
    for table in tables if names else ():
        for row in islice(table.rows(), _SAMPLED):
            values = {} if isinstance(row.values, str) else row.values
            for name, counts in found.items():
                counts[_plain(value_at(values, name))] += 1
    return found


def _ask_about(name: str, counts: Counter[str]) -> None:
    shown = ", ".join(f"{code}: {counted(n, 'row')}" for code, n in counts.most_common(_SHOWN))
    every = ",".join(sorted(counts)[:_SHOWN])
    raise UnreadableArchiveError(
        f"{name} has the values {shown}, and it is not certain which of these rows everybody may"
        f" read: name their values, such as --visible-if '{name}={counts.most_common(1)[0][0]}', or"
        f" all of them if {name} hides nothing: --visible-if '{name}={every}'"
    )


def _plain(value: object) -> str:
    text = "" if value is None else str(value)[:_LONGEST].strip().lower()
    return text.removesuffix(".0")
