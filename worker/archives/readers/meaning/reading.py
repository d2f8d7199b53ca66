"""Makes records of a row: fields from columns, hidden questions, dropped values."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from db.questions.rows import NO_FACTS, Facts
from worker.archives.readers.meaning.columns import DUPLICATES, FIELDS, NO_COLUMNS, Columns
from worker.archives.readers.meaning.facts import FACTS, facts_of_row
from worker.archives.readers.meaning.hiding import (
    Rule,
    hiding_rules,
    label_rules,
    places,
    reply_rules,
)
from worker.archives.readers.meaning.links import targets_of
from worker.archives.readers.records import Hidden, KnownPair, Record, Reject, Row, SourceQuestion
from worker.archives.readers.values.conditions import NO, NULLS, YES, Condition, value_at
from worker.archives.readers.values.dates import DateOrder, Dates, NoDateError
from worker.archives.readers.values.markup import Markup, is_escaped, plain_text, unescaped
from worker.archives.readers.values.texts import (
    DATABASE_NULLS,
    Dropped,
    Optionals,
    ValueUnusableError,
    id_text,
    raw_text,
    required_text,
)
from worker.text.intake import TITLE_LENGTH, instant_of
from worker.text.normal import first_digest

_LINKS = ("duplicate_of", "duplicates")
_FLOAT = re.compile(r"\d+[.,]0")
_SAME = YES | {
    "duplicate", "duplicates", "duplicated", "dup", "dupe", "same", "same question", "equivalent",
    "match", "paraphrase",
}  # fmt: skip
_OTHER = NO | {
    "not paraphrase", "non paraphrase", "non dup", "not dup", "non match",
    "not duplicate", "not a duplicate", "not duplicates", "notduplicate", "non duplicate",
    "nonduplicate", "different", "distinct", "unrelated", "not same", "not the same", "no match",
}  # fmt: skip
"""Labels of pairs that are not duplicates, in small letters, with spaces for other marks."""
_GONE = (
    r"(?:deleted|removed|redacted|gel\u00f6scht|entfernt|supprim\u00e9e?|effac\u00e9e?|eliminad[oa]"
    r"|borrad[oa]|exclu\u00edd[oa]|removid[oa]|cancellat[oa]|rimoss[oa]|verwijderd|usuni\u0119t[ey]"
    r"|\u0443\u0434\u0430\u043b\u0435\u043d[\u043e\u0430]?)"
)
_MARKS = "[(<{*_~-"
_NO_ID = (None, "", *DATABASE_NULLS)
_HEAD = 3
_HEADS = frozenset({
    "del", "rem", "red", "gel", "ent", "sup", "eff", "eli", "bor", "exc", "can", "rim", "ver",
    "usu", "\u0443\u0434\u0430", "thi", "the",
})  # fmt: skip
"""The beginnings of texts that `_REMOVED` matches without a mark before them."""
_REMOVED = re.compile(
    rf"[\[(<{{*_~-]{{1,3}}\s*{_GONE}\b[^\])>}}*_~]{{0,60}}[\])>}}*_~-]{{1,3}}"
    rf"|{_GONE} by (?:the )?(?:user|author|owner|poster|moderators?|mods?|admins?|administrators?)"
    r"|(?:this|the) (?:post|question|topic|thread|message|content) (?:was|has been|is)"
    r" (?:deleted|removed)(?: by (?:its|the|a) \w{1,20})?\.?",
    re.IGNORECASE,
)


_TOTAL = (
    "total", "totals", "grand total", "subtotal", "sub-total", "sum", "count", "overall total",
    "summe", "gesamt", "gesamtsumme", "insgesamt", "anzahl", "total general",
    "total g\u00e9n\u00e9ral",
    "totale", "totaal", "totalt", "suma", "razem", "celkem", "toplam",
    "\u0438\u0442\u043e\u0433\u043e", "\u0432\u0441\u0435\u0433\u043e",
    "\u5408\u8ba1", "\u5408\u8a08", "\u603b\u8ba1", "\u7dcf\u8a08", "\ud569\uacc4",
)  # fmt: skip
TOTALS = frozenset(
    f"{word}{end}"
    for one in _TOTAL
    for word in (one, one.capitalize(), one.title(), one.upper())
    for end in ("", ":")
)
"""What stands in place of an id, or of the only text, in a row with a total."""
_OF_NUMBERS = "0123456789.,'% \u00a0\u202f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan by which the rows of one table become questions."""

    fields: Mapping[str, tuple[str, ...]]
    """The paths of each field's columns; the first one with a value counts. A path may end in
    ``~REGEX``: then the value is the regex' group.
    """
    hidden: tuple[Rule, ...] = ()
    kept: tuple[Condition, ...] = ()
    """Conditions that a row must meet to be a question."""
    url: str = ""
    """Address of a question, with ``{id}``, relative to `base_url`."""
    base_url: str = ""
    markup: Markup = Markup.GUESS
    is_escaped: bool = False
    """Whether titles have HTML entities."""
    is_cut: bool = False
    """Whether ``/1`` and the like are not part of an id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The wishes of the user who imports a file."""

    chosen: Mapping[str, str] = field(default_factory=dict)
    """The column of each field that the user chose."""
    visible_if: tuple[str, ...] = ()
    """Conditions that a question must meet to be visible to everybody."""
    base_url: str = ""
    dates: DateOrder = DateOrder.AUTO
    strict: bool = False


def _label(value: object) -> str:
    """Return the label of a pair in small letters, with a space for each mark between words."""
    text = str(value) if isinstance(value, bool) else raw_text(value)
    return " ".join(re.split(r"[\s_-]+", text.strip().lower()))


def is_removed(title: str) -> bool:
    """Return whether *title* is only a mark that a text was removed."""
    return _REMOVED.fullmatch(title) is not None


def is_total(external_id: str, title: str, *, has_ids: bool) -> bool:
    """Return whether a row is the total of other rows, which programs write below them."""
    return (external_id in TOTALS and not title.strip(_OF_NUMBERS)) if has_ids else title in TOTALS


def removed(titles: Sequence[str]) -> list[int]:
    """Return the places of the titles for which `is_removed` is true."""
    heads = {title[:_HEAD] for title in titles}
    telling = {head for head in heads if head[:1] in _MARKS or head.lower() in _HEADS}
    if not telling:
        return []
    return [at for at, title in enumerate(titles) if title[:_HEAD] in telling and is_removed(title)]


def generic_plan(
    found: Sequence[str],
    wishes: Wishes,
    *,
    is_nested: bool = False,
    inner: Sequence[str] = (),
    wordless: Mapping[str, bool] = NO_COLUMNS,
) -> Plan:
    """Return the plan for a table of no known shape; *inner* are paths inside its columns.

    *wordless* columns have no texts, surely or perhaps. Raises `UnreadableArchiveError`.
    """
    columns = Columns.resolve(found, wishes.chosen, is_nested=is_nested, wordless=wordless)
    decided = {Condition.parse(one).column for one in wishes.visible_if}
    names = {name: column for name, column in columns.names.items() if column not in decided}
    others = places(name for name in (*found, *inner) if name not in decided)
    labels = label_rules(
        [names["tags"]] if "tags" in names else [],
        dict.fromkeys([*([names["category"]] if "category" in names else []), *others]),
    )
    hiding = hiding_rules(
        (name for name in (*found, *inner) if name not in decided), columns.names.values()
    )
    return Plan(
        fields={name: (column,) for name, column in columns.names.items()}
        | _duplicates(columns, inner),
        hidden=(*hiding, *labels, *reply_rules(found, columns.names["title"])),
    )


def _duplicates(columns: Columns, inner: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the list of a question's duplicates if it is inside of another object."""
    found = [path for path in inner if path.rpartition(".")[2] in DUPLICATES]
    has_own = columns.is_pairs or {"duplicates", "duplicate_of"} & columns.names.keys()
    return {} if has_own or not found else {"duplicates": (found[0],)}


class Reading:
    """Reads the rows of one table by a plan."""

    def __init__(self, plan: Plan, wishes: Wishes, head: Iterable[Row] = ()) -> None:
        self.plan, self.wishes = plan, wishes
        self.passed_over = 0
        """Number of rows so far that are no questions, such as answers."""
        self.visible = tuple(map(Condition.parse, wishes.visible_if))
        self.names = {
            name: plan.fields.get(name, ())
            for name in (*FIELDS, "updated_at", "id2", "title2", "label", *_LINKS)
        }
        self.facts = tuple(name for name in FACTS if name in plan.fields)
        self.names.update({name: plan.fields[name] for name in self.facts})
        self.plain = {
            name: paths[0]
            for name, paths in self.names.items()
            if len(paths) == 1 and "~" not in paths[0]
        }
        """The fields that have only one column, as most do."""
        self.has = frozenset(name for name, paths in self.names.items() if paths)
        self.now = datetime.now(UTC)
        self.is_pairs = bool(self.names["title2"])
        self._is_checked = self.is_pairs or wishes.strict or not self.has.isdisjoint(_LINKS)
        rows = [row.values for row in head if not isinstance(row.values, str)]
        self.dates = Dates.of((self.value(row, "asked_at") for row in rows), wishes.dates)
        ids = [value for row in rows if (value := self.value(row, "id")) not in _NO_ID]
        self.is_float = bool(ids) and all(_FLOAT.fullmatch(str(value)) for value in ids)
        titles = [str(self.value(row, "title") or "") for row in rows]
        self.unescape: Callable[[str], str] | None = plain_text if plan.is_escaped else None
        if self.unescape is None and is_escaped(titles):
            self.unescape = unescaped
        self.base_url = wishes.base_url or plan.base_url

    def missing_for_visible_if(self, names: Sequence[str]) -> list[str]:
        """Return the columns of ``--visible-if`` that the table lacks."""
        return [one.column for one in self.visible if one.column.partition(".")[0] not in names]

    def identity(self) -> str:
        """Return a text of all that decides how a row is read; it is the same in every process."""
        plan = self.plan
        rules = [(reason, one.identity()) for reason, one in plan.hidden]
        others = [[one.identity() for one in some] for some in (plan.kept, self.visible)]
        means = (self.base_url, plan.url, plan.markup, plan.is_cut, self.wishes.strict)
        guessed = (self.dates.order, self.is_float, getattr(self.unescape, "__name__", ""))
        return repr((sorted(plan.fields.items()), rules, others, means, guessed))

    def records(self, row: Row) -> Iterator[Record]:
        """Yield the records of one row."""
        line, values = row
        if isinstance(values, str):
            yield Reject(line, values)
            return
        if self.plan.kept and not all(one.is_met(values) for one in self.plan.kept):
            self.passed_over += 1
            return
        try:
            if self._is_checked:
                found = self._pair if self.is_pairs else self._linked
                yield from self._strictly(found(line, values))
            else:
                yield self._question(line, values)
        except ValueUnusableError as error:
            yield Reject(line, str(error))
        except RecursionError:
            yield Reject(line, "it is nested too deeply")

    def _strictly(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield *records* of a row; with ``--strict`` a question with a dropped value is rejected.

        Then its links are left out too.
        """
        is_rejected = False
        for one in records:
            if self.wishes.strict and isinstance(one, SourceQuestion) and one.dropped:
                first = one.dropped[0]
                is_rejected = True
                yield Reject(one.line, f"{first.field}: {first.reason}")
            elif not (is_rejected and isinstance(one, KnownPair)):
                yield one

    def value(self, row: Mapping[str, Any], name: str) -> Any:
        """Return a row's value of the field *name*, not converted; None if there is none."""
        if (column := self.plain.get(name)) is not None and column in row:
            return row[column]
        for path in self.names[name]:
            column, _, pattern = path.partition("~")
            value = row.get(column) if column in row else value_at(row, column)
            if pattern:
                found = re.search(pattern, str(value or ""))
                value = found[1] if found else None
            if value is not None and value != "":
                return value
        return None

    def _question(self, line: int, row: Mapping[str, Any]) -> SourceQuestion | Hidden:
        found = Optionals()
        title = required_text(self.value(row, "title"), "the question", found)
        if self.unescape is not None:
            title = self.unescape(title).strip()
        reason = self._why_hidden(row, title)
        if reason and not (title or self.names["id"]):
            return Hidden(line, reason)
        external_id = self._id("id", row, title)
        if reason:
            return Hidden(line, reason, external_id)
        if not title:
            raise ValueUnusableError("the question is empty")
        if is_total(external_id, title, has_ids=bool(self.names["id"])):
            raise ValueUnusableError("it is a total of other rows, not a question")
        return self._with_details(line, row, external_id, title, found)

    def _with_details(
        self, line: int, row: Mapping[str, Any], external_id: str, title: str, found: Optionals
    ) -> SourceQuestion:
        has = self.has
        body = found.body(self.value(row, "body"), self.plan.markup) if "body" in has else ""
        if len(title) > TITLE_LENGTH:
            found.drop(
                "title", f"what is beyond {TITLE_LENGTH:,} characters: it begins the body", title
            )
            title, rest = title[:TITLE_LENGTH].rstrip(), title[TITLE_LENGTH:]
            body = found.fitting_body(f"{rest}\n{body}".strip())
        url = self.value(row, "url") if "url" in has else None
        if url is None and self.plan.url and self.base_url:
            url = self.plan.url.format(id=external_id)
        return SourceQuestion(
            external_id,
            title,
            body,
            found.url(url, self.base_url) if url is not None else None,
            found.label("category", self.value(row, "category")) if "category" in has else None,
            found.label("author", self.value(row, "author")) if "author" in has else None,
            self._moment("asked_at", row, found) if "asked_at" in has else None,
            facts=self._facts(row, found) if self.facts else NO_FACTS,
            updated_at=self._moment("updated_at", row, found) if "updated_at" in has else None,
            line=line,
            dropped=tuple(found.dropped) if found.dropped else (),
        )

    def _facts(self, row: Mapping[str, Any], found: Optionals) -> Facts:
        return facts_of_row({name: self.value(row, name) for name in self.facts}, found)

    def _why_hidden(self, row: Mapping[str, Any], title: str) -> str:
        for reason, condition in self.plan.hidden:
            if condition.is_met(row):
                return reason
        if self.visible and not all(one.is_met(row) for one in self.visible):
            return "not as --visible-if says"
        return "removed text" if is_removed(title) else ""

    def _id(self, name: str, row: Mapping[str, Any], title: str) -> str:
        if not self.names[name]:  # the same text has the same id: importing it again adds nothing
            return f"text-{first_digest(title).hex()[:24]}"
        external_id = id_text(self.value(row, name), is_float=self.is_float)
        if not external_id:
            raise ValueUnusableError("the id is empty")
        return external_id

    def _moment(self, name: str, row: Mapping[str, Any], found: Optionals) -> Any:
        value = self.value(row, name)
        if value is None or value == "":
            return None
        try:
            return instant_of(self.dates.read(value), now=self.now)
        except NoDateError as error:
            found.drop(name, str(error), value)
        except ValueError as error:
            found.drop(name, f"it {error}", value)
        return None

    def _pair(self, line: int, row: Mapping[str, Any]) -> Iterator[Record]:
        sides: list[SourceQuestion] = []
        for name, own_id in (("title", "id"), ("title2", "id2")):
            found = Optionals()
            title = required_text(self.value(row, name), "the question", found)
            if self.unescape is not None:
                title = self.unescape(title).strip()
            if title:
                detailed = row if name == "title" else {}
                sides.append(
                    self._with_details(line, detailed, self._id(own_id, row, title), title, found)
                )
        if not sides:
            yield Reject(line, "both questions are empty")
            return
        label = _label(self.value(row, "label"))
        is_same, is_other = label in _SAME, label in _OTHER
        if label not in NULLS | {"-1"} and not (is_same or is_other):
            unclear = Dropped("label", "it says neither same nor different", label[:60])
            sides[0] = replace(sides[0], dropped=(*sides[0].dropped, unclear))
        yield from sides
        if len(sides) > 1 and (is_same or is_other):
            first, second = (side.external_id for side in sides)
            if first != second:
                yield KnownPair(line, first, second, is_duplicate=is_same)

    def _linked(self, line: int, row: Mapping[str, Any]) -> Iterator[Record]:
        """Yield a question, and its links to questions that the forum calls the same."""
        question = self._question(line, row)
        if isinstance(question, Hidden):
            yield question
            return
        pairs: list[KnownPair] = []
        own = question.external_id
        for name in _LINKS:
            try:
                targets = set(targets_of(self.value(row, name), is_float=self.is_float)) - {own}
            except ValueUnusableError as error:
                lost = Dropped(name, str(error), str(self.value(row, name))[:60])
                question = replace(question, dropped=(*question.dropped, lost))
                continue
            for target in sorted(targets):
                canonical = target if name == "duplicate_of" else None
                pairs.append(KnownPair(line, own, target, canonical_id=canonical))
        yield question
        yield from pairs
