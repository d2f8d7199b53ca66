"""Rules from column names that show which questions a forum hides, for unknown shapes.

A name has three parts: what it is about (``is``, ``topic``), the deciding word, and what is stored
of it (``_at``, ``_by``). So ``isDeleted``, ``topic_deleted_at`` and ``removal_reason`` are one
kind. The rules hide rather too much: a question that is hidden by mistake is counted in the report,
but one that is shown by mistake is not noticed.
"""

import re
from collections.abc import Iterable, Iterator

from worker.archives.readers.meaning import english, languages
from worker.archives.readers.values.conditions import ABSENT, Condition

Rule = tuple[str, Condition]
_REASON = r"|[:(\[\uff08\u2013\u2014]|-\s"
"""What may stand between a state and its reason, such as ``deleted: spam``; labels have scopes."""


_STATES = (
    *english.WORDS.values(),
    *english.OF_STATES.values(),
    *languages.OF_STATES.values(),
    *map(languages.values_of, languages.HIDDEN),
)
"""What hides a row, whatever its reason."""


def reply_rules(names: Iterable[str], title: str) -> Iterator[Rule]:
    """Yield the rule of replies, if one of *names* is of the row that another row answers."""
    if any(english.PARENT.fullmatch(languages.plain(name)) for name in names):
        pattern = re.compile(rf"^{english.REPLY}", re.IGNORECASE)
        yield "no question", Condition(title, frozenset(), pattern=pattern)


def hiding_rules(names: Iterable[str], taken: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Return the rules for the columns *names*, some of them nested (``meta.deleted``).

    A column that is *taken* for a field of the question has no rule, except a date of publishing.
    """
    used = set(taken)
    return tuple(
        rule
        for name in dict.fromkeys(names)
        for rule in (_unpublished(name) if name in used else _rules_of(name))
    )


def label_rules(
    tags: Iterable[str], categories: Iterable[str], *, is_known: bool = False
) -> Iterator[Rule]:
    """Yield the rules of the columns of tags and categories.

    In a known program (*is_known*) only labels that can mean nothing else hide a question.
    """
    for column in tags:
        words = _tag(english.CLOSED, r"\s")
        if not is_known:
            alone = f"{english.CLOSED_TAGS}|{languages.values_of('private')}"
            words = f"{words}|{_tag(alone)}"
        pattern = re.compile(words, re.IGNORECASE)
        yield "private tag", Condition(column, frozenset(), pattern=pattern)
    words = english.CLOSED if is_known else f"{english.CLOSED}|{english.CLOSED_CATEGORIES}"
    closed = re.compile(_part(f"{words}|{languages.values_of('private')}"), re.IGNORECASE)
    for column in categories:
        yield "closed category", Condition(column, frozenset(), pattern=closed)


def places(names: Iterable[str]) -> list[str]:
    """Return the columns *names* with the name of a forum, board, room or the like."""
    form = re.compile(
        rf"(?:topic|thread|question)?(?:{english.PLACES})(?:name|title|path|slug|id|key)?"
    )
    return [name for name in names if form.fullmatch(languages.plain(name))]


def _part(words: str) -> str:
    """Return a regular expression for one of *words* as a whole part of a path or list."""
    begin, end = r"/\\>|\u00bb\u203a\u2192:,;\[(\"'{", r"/\\<>|\u00bb\u203a\u2192:,;\]()\"'}"
    return rf"(?:\A|[{begin}]|\s-)\s*(?:{words})\s*(?:\Z|[{end}]|-\s)"


def _tag(words: str, between: str = "") -> str:
    """Return a regular expression for one of *words* as a whole tag of a list."""
    marks = rf",;|<>\[\]{{}}\"'#{between}"
    return rf"(?:^|[{marks}]) ?(?:{words}) ?(?:$|[{marks}])"


def is_hiding(name: str) -> bool:
    """Return whether an element of this name has what is hidden, such as ``private``."""
    return _HIDING.search(name) is not None


def states(names: Iterable[str]) -> list[str]:
    """Return the columns that say whether a question is shown, perhaps by a number."""
    form = re.compile(rf"{english.ABOUT}(?:{english.STATES}|{english.KINDS})(?:id|code|num)?")
    return [
        name
        for name in names
        if form.fullmatch(_last(name))
        and all(rule.pattern is not None for _, rule in _rules_of(name))
    ]


def roles(names: Iterable[str]) -> list[str]:
    """Return the columns with the roles or groups that may read a question."""
    form = re.compile(rf"{english.ABOUT}{english.ROLES}")
    return [name for name in names if form.fullmatch(_last(name))]


def kinds(names: Iterable[str]) -> list[str]:
    """Return the columns that say of which kind a row is."""
    form = re.compile(rf"{english.ABOUT}(?:{english.KINDS})")
    return [name for name in names if form.fullmatch(_last(name))]


def shown_flags(names: Iterable[str]) -> list[str]:
    """Return the columns that show a question by a yes, a person or a moment."""
    form = re.compile(rf"{english.ABOUT}(?:{english.SHOWN}|approvedby(?:id|user|userid)?)")
    return [name for name in names if form.fullmatch(_last(name))]


def place_of(table: str) -> str:
    """Return what a *table* of forums, categories or topics has; empty for other tables."""
    form = re.compile(
        rf"(?:.*[_.])?({english.PLACES}|categorie|communitie|{english.TOPICS})e?s?", re.IGNORECASE
    )
    found = form.fullmatch(table)
    if found is None:
        return ""
    return re.sub("ie$", "y", found[1].lower())


def _last(path: str) -> str:
    """Return the plain name of the last column in *path*."""
    return languages.plain(languages.bare(path.rpartition(".")[2]))


def _unpublished(column: str) -> Iterator[Rule]:
    """Yield the rule of a moment of publishing: without one the row is not published."""
    if re.fullmatch(rf"{english.ABOUT}published", _last(column)):
        yield "unapproved", Condition(column, english.UNSHOWN | {"future"})
    if re.fullmatch(
        rf"{english.ABOUT}(?:publish|published|approved|released?)(?:at|on|date|time|datetime)",
        _last(column),
    ):
        yield "unapproved", Condition(column, frozenset({"empty", "future", ABSENT}))
    if re.fullmatch(
        rf"{english.ABOUT}(?:embargo(?:ed)?(?:until|to|date|end)|(?:visible|available"
        rf"|publish(?:ed)?"
        rf"|shown?)"
        "(?:from|after|since|start|up)|(?:hid(?:e|den)|private|unlisted|draft|scheduled"
        "|delayed(?:post)?)(?:until"
        "|till|for|at))",
        _last(column),
    ):
        yield "unapproved", Condition(column, frozenset({"future"}))
    if re.fullmatch(
        rf"{english.ABOUT}(?:(?:un|de)publish(?:at|on|date|time|datetime)|(?:visible|available"
        rf"|shown?"
        rf"|online"
        "|publish(?:ed|ing)?|publication|listed|valid)(?:to|until|till|down|end|ends|enddate"
        "|endat))",
        _last(column),
    ):
        yield "hidden", Condition(column, frozenset({"past"}))


def _rules_of(column: str) -> Iterator[Rule]:
    plain = _last(column)
    yield from _rules_of_flags(column, plain)
    yield from _unpublished(column)
    if re.fullmatch(rf"{english.ABOUT}(?:{english.KINDS})", plain):
        yield "no question", Condition(column, frozenset(), pattern=_pattern(english.OTHER_KINDS))
    if re.fullmatch(english.IS_NONE, plain):
        yield "no question", Condition(column, frozenset({"yes"}))
    if re.fullmatch(english.IS_ONE, plain):
        yield "no question", Condition(column, frozenset({"no"}))
    yield from _rules_of_place(column, plain)
    yield from _rules_of_words(column, plain)


def _rules_of_flags(column: str, plain: str) -> Iterator[Rule]:
    """Yield the rules of a column that says yes or no."""
    if plain == "isdelete":  # without the verb it may be a button
        yield "deleted", Condition(column, english.SHOWING, negated=True)
    for reason, words in english.FLAGS.items():
        if re.fullmatch(
            rf"{english.ABOUT}(?:{words}|{languages.said_by(reason)}){english.KEPT}", plain
        ):
            yield reason, Condition(column, english.SHOWING, negated=True)
    ends = f"yn|flg|flag|ind|{'|'.join(languages.KEPT)}"
    if re.fullmatch(rf"{english.ABOUT}(?:{english.SHOWN})(?:{ends})?|useyn|isused?|isham", plain):
        reason = "unapproved" if re.search(r"publish|approved|released", plain) else "hidden"
        yield (
            "private" if plain.endswith("public") else reason,
            Condition(column, english.NOT_SHOWN),
        )
        yield reason, _said(column, _pattern("|".join(_STATES), _REASON))


def _rules_of_words(column: str, plain: str) -> Iterator[Rule]:
    """Yield the rules of a column that says in a word who may read a row."""
    if plain == "visibilitylevel":  # GitLab's: private, internal, public
        yield "private", Condition(column, frozenset({"0", "10"}))
    if re.fullmatch(rf"{english.ABOUT}(?:{english.SAYS}){english.IN_WORDS}", plain):
        is_label = re.fullmatch(
            rf"{english.ABOUT}(?:types?|flags?|labels?|scope|options?|permissions?)", plain
        )
        for reason, words in english.WORDS.items():
            states = () if is_label else (english.OF_STATES, languages.OF_STATES)
            more = "|".join(one.get(reason, "(?!)") for one in states) or "(?!)"
            said = f"{words}|{more}|{languages.values_of(reason)}"
            ends = "" if is_label else _REASON
            yield reason, _said(column, _pattern(said, ends))
        yield "private", _said(column, english.HELPERS)
    if re.fullmatch(rf"{english.ABOUT}(?:{english.READERS}){english.IN_WORDS}", plain):
        yield "private", _said(column, english.NOT_EVERYBODY)
    if re.fullmatch(rf"{english.ABOUT}(?:{english.APPROVERS}){english.IN_WORDS}", plain):
        yield "unapproved", _said(column, english.NOT_APPROVED)
    if re.fullmatch(rf"{english.ABOUT}{english.ROLES}", plain):
        yield "private", Condition(column, frozenset(), pattern=english.GROUPS)


def _rules_of_place(column: str, plain: str) -> Iterator[Rule]:
    """Yield the rules of a column about the forum, board or room of a question."""
    reason = "closed category"
    if re.fullmatch(rf"(?:{english.PLACES})visibility", plain):  # Freshdesk's: all, members, staff
        yield reason, Condition(column, frozenset({"2", "3", "4"}))
    if re.fullmatch(
        rf"(?:{english.PLACES})(?:is)?(?:visible|public|active|enabled|published)", plain
    ):
        yield reason, Condition(column, english.NOT_SHOWN)
    if re.fullmatch(rf"(?:{english.PLACES})(?:{english.SAYS}){english.IN_WORDS}", plain):
        words = "|".join(english.WORDS[kind] for kind in ("deleted", "private", "hidden"))
        yield reason, _said(column, _pattern(words))
    if re.fullmatch(rf"(?:{english.PLACES})(?:access|{english.READERS}){english.IN_WORDS}", plain):
        yield reason, _said(column, english.NOT_EVERYBODY)


def _said(column: str, pattern: re.Pattern[str]) -> Condition:
    """Return the condition that a state matches *pattern*, and not only what was before it."""
    return Condition(column, frozenset(), pattern=pattern, unless=english.CHANGED)


def _pattern(words: str, ends: str = "") -> re.Pattern[str]:
    """Return a pattern for one of *words*, alone, in a list, or before one of *ends*."""
    return re.compile(
        rf"(?:^|[,;|\[(\"'\uff08]) ?(?:[a-z][ _-]|(?:{english.BY})[ _-]?|{english.MAY})?"
        rf"(?:{words})"
        r"(?:[ _-]?(?:question|topic|thread|post|message|article|record)s?)?"
        rf"(?:[ _-](?:only|by|for|from|{languages.BY})\b[^,;|\"]*)?"
        rf" ?(?:$|[,;|\])\"'\uff09]{ends})",
        re.IGNORECASE,
    )


_HIDING = _pattern("|".join(_STATES))
