"""The dialect of a delimited file: its delimiter, and the meaning of quotes and backslashes.

Spreadsheets and pandas quote a field and double the quotes in it. MySQL and Spark write a backslash
before them. Databases that use no quotes write a backslash before tabs and line ends. Other
programs mark nothing.
"""

import csv
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from worker.archives.readers.meaning.columns import names_questions

DELIMITERS = ",\t;|\x01\x1f\x14"
_LONG = ("::", "|~|", "~|~", "^|^", "|*|", "||", "\t|\t", ";;", "<|>", "@@", "##")
"""Delimiters of several characters; used if they divide the header into names."""
_SIGNS, _SIGN = re.compile(r"[^\w .]{2,}"), re.compile(r"[^\w\s.\"'-]")
_RARE = "~^"
"""Delimiters that are used only if the header has none of the others."""
_SEPARATOR = re.compile(r"\ufeff?\"?sep=(.)\"?\r?\n?", re.IGNORECASE)
_ESCAPED_END = re.compile(r"(?<!\\)(?:\\\\)*\\\r?\n")
_ESCAPED_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*\\"')
_LEGAL_ESCAPE = re.compile(r"\\(?:[\\bfnrtvNZ0-7]|x[0-9a-fA-F]|$)")
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "", "Z": ""}
_ESCAPE = re.compile(r"\\([0-3][0-7]{2}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_QUOTES = re.compile(r"\\.", re.DOTALL)
_QUOTE_ESCAPE = re.compile(r"\\([^a-zA-Z1-9])", re.DOTALL)
"""In quotes only signs that need it are escaped: ``C:\\new`` does not change."""
_LONGEST = 1 << 16
_QUOTED_SHARE = 0.3
NULL = "\\N"
OTHER_QUOTES = "'\u00fe"
"""Single quotes, and those of Concordance, which divides columns with U+0014."""
LINE_END = "\u00ae"
"""What Concordance writes in place of a line end inside a value."""
RETURN = "\ue00d"
"""Written in place of a carriage return inside a line."""
ONE_COLUMN = "\x1e"
"""The delimiter of a file with one column."""


class Quoting(StrEnum):
    """The meaning of quotes."""

    DOUBLED = "doubled"
    BACKSLASH = "backslash"
    """In a quoted field a backslash is before each quote, backslash or line end."""
    NONE = "none"
    ESCAPED = "escaped"
    """No quotes: backslashes are before delimiters and line ends, or in codes for them, as in COPY.
    """


@dataclass(frozen=True, slots=True)
class Dialect:
    """The delimiter of columns, and the meaning of quotes."""

    delimiter: str
    quoting: Quoting = Quoting.DOUBLED
    quote: str = '"'
    is_spaced: bool = False
    """Whether a space follows each delimiter, also before a quote."""

    def reader(self, lines: Iterable[str], *, strict: bool = True) -> Iterator[list[str]]:
        """Return a reader that splits *lines* with doubled quotes."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            skipinitialspace=self.is_spaced,
            strict=strict,
        )


def separator(line: str) -> str | None:
    """Return the delimiter in a line ``sep=;`` before the header, or None."""
    found = _SEPARATOR.fullmatch(line)
    return found[1] if found else None


def long_delimiter(line: str, below: str = "") -> str | None:
    """Return the delimiter of the header *line* if it has several characters, otherwise None.

    One that is not in the list must be the only run of signs between the names, and the line
    *below* must have it too.
    """
    for mark in _LONG:
        if _divides(line, mark):
            return mark
    runs = {run.strip("\"'") for run in _SIGNS.findall(line.strip().strip("\"'"))}
    mark = runs.pop() if len(runs) == 1 else ""
    is_there = len(mark) > 1 and below.count(mark) >= line.count(mark)
    return mark if is_there and _divides(line, mark) else None


def _divides(line: str, mark: str) -> bool:
    """Return whether *mark* divides a header into names, in quotes or not."""
    names = line.strip().split(mark)
    return len(names) > 1 and all(re.fullmatch(r"([\"']?)[\w .-]+\1", name) for name in names)


def rare_delimiter(line: str, below: str = "") -> str | None:
    """Return a sign that no program uses by itself, such as ``\u00a6`` or ``#``, or None.

    It must divide the header *line* into names, one of them of questions, and the line *below*.
    """
    marks = dict.fromkeys(_SIGN.findall(line))
    if set(marks) & {*DELIMITERS, *_RARE}:
        return None
    return next(
        (
            mark
            for mark in marks
            if below.count(mark) >= line.count(mark)
            and _divides(line, mark)
            and names_questions([name.strip("\"' ") for name in line.strip().split(mark)])
        ),
        None,
    )


def guess_delimiter(line: str) -> str:
    """Return the delimiter of the header *line*; a comma if there is only one column."""
    bare = re.sub(r'"[^"]*"', "", line)
    found = max(DELIMITERS, key=bare.count)
    if found not in bare:
        found = max(_RARE, key=bare.count)
    return found if found in bare else DELIMITERS[0]


def guess(sample: Sequence[str], delimiter: str | None = None, *, is_whole: bool = True) -> Dialect:
    """Return the dialect of a file that begins with, or is, *sample*: lines, the header first."""
    delimiter = delimiter or guess_delimiter(sample[0] if sample else "")
    if not sample or delimiter not in sample[0]:
        return Dialect(ONE_COLUMN)
    text = "".join(sample)
    escaped = _is_escaped(text, delimiter)
    doubled = _doubled(sample[0] if sample else "", delimiter, text)
    if doubled.quote != '"':
        return doubled
    faults = _faults(sample, doubled, is_whole=is_whole) if '"' in text else 0
    is_fit = escaped and '"' in text and not faults
    is_quoted = _is_quoted(text, delimiter) or (is_fit and _quotes_are_needed(sample, doubled))
    if escaped and not is_quoted and not _escaped_faults(sample, delimiter, is_whole=is_whole):
        return Dialect(delimiter, Quoting.ESCAPED)
    is_better = _ESCAPED_QUOTE.search(text) and _backslash_faults(sample, delimiter) < faults
    if is_better or _has_bare_nulls(text, delimiter):
        return Dialect(delimiter, Quoting.BACKSLASH)
    width = sample[0].count(delimiter)
    if faults and all(line.count(delimiter) == width for line in sample if line.strip()):
        return Dialect(delimiter, Quoting.ESCAPED if escaped else Quoting.NONE)
    return doubled


def _doubled(header: str, delimiter: str, text: str) -> Dialect:
    """Return the dialect with doubled quotes, or with others if every name is in them."""
    names = [name.strip() for name in header.lstrip("\ufeff").split(delimiter)]
    marks = OTHER_QUOTES if '"' not in text else OTHER_QUOTES[1:]
    quote = next((mark for mark in marks if all(_is_within(name, mark) for name in names)), '"')
    is_spaced = len(names) > 1 and all(one[:1] == " " for one in header.split(delimiter)[1:])
    return Dialect(delimiter, quote=quote, is_spaced=is_spaced)


def _is_within(name: str, mark: str) -> bool:
    return len(name) > 2 * len(mark) and name.startswith(mark) and name.endswith(mark)


def marked(line: str) -> str:
    """Return *line* with its inner carriage returns marked, because Python's reader refuses them.

    Programs that end lines with a line feed do not quote carriage returns.
    """
    if "\r" not in line[:-2]:
        return line
    end = len(line) - len(line.rstrip("\r\n"))
    return line[: len(line) - end].replace("\r", RETURN) + line[len(line) - end :]


def _is_quoted(text: str, delimiter: str) -> bool:
    """Return whether many of the fields begin with a quote."""
    mark = re.escape(delimiter)
    begun = len(re.findall(rf'(?:^|{mark})"', text, re.MULTILINE))
    return begun > _QUOTED_SHARE * (text.count(delimiter) + text.count("\n"))


def _quotes_are_needed(sample: Sequence[str], dialect: Dialect) -> bool:
    """Return whether some quoted field needs its quotes; *sample* has no faults."""
    mark = re.escape(dialect.delimiter)
    if re.search(rf'(?:^|{mark})"[^"]*""', "".join(sample), re.MULTILINE):
        return True
    reader = dialect.reader(map(marked, sample), strict=False)
    return any("\n" in cell or dialect.delimiter in cell for row in reader for cell in row)


def _has_bare_nulls(text: str, delimiter: str) -> bool:
    mark = re.escape(delimiter)
    return bool(re.search(rf'"{mark}\\N(?:{mark}|\r?$)|^\\N{mark}"', text, re.MULTILINE))


def _escaped_faults(sample: Sequence[str], delimiter: str, *, is_whole: bool) -> int:
    """Return how many records without quotes have another number of columns than the header."""
    width, held, faults = 0, "", 0
    for line in sample:
        held = held + line if len(held) <= _LONGEST else line
        if not is_open(held):
            found = len(split_escaped(held, delimiter)) if held.strip() else width
            width, held = width or found, ""
            faults += found != width
    return faults + bool(held and is_whole)


def _faults(sample: Sequence[str], dialect: Dialect, *, is_whole: bool) -> int:
    """Return how many rows of the sample are broken or have another number of columns."""
    taken = iter(sample)
    reader = dialect.reader(map(marked, taken))
    width, faults = 0, 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return faults
        except csv.Error as error:
            is_cut = not is_whole and "unexpected end" in str(error)
            return faults + (0 if is_cut else 1 + sum(1 for _ in taken))
        width = width or len(row)
        faults += bool(row) and len(row) != width


def _backslash_faults(sample: Sequence[str], delimiter: str) -> int:
    """Return how many records of the sample have another number of columns, or never end."""
    width = len(split_backslash(sample[0], delimiter))
    held, faults = "", 0
    for line in sample:
        held += line
        if is_inside(held):
            faults += len(held) > _LONGEST
            held = held if len(held) <= _LONGEST else ""
            continue
        faults += bool(held.strip()) and len(split_backslash(held, delimiter)) != width
        held = ""
    return faults


def _is_escaped(text: str, delimiter: str) -> bool:
    """Return whether backslashes have a meaning in a file without quotes."""
    if "\\" not in text:
        return False
    mark = re.escape(delimiter)
    if re.search(rf"(?:^|{mark})\\N(?:\r?$|{mark})", text, re.MULTILINE):
        return True
    if f"\\{delimiter}" in text:
        return True  # if it is wrong, the number of columns shows it
    if delimiter != "\t":
        return _ESCAPED_END.search(text) is not None
    is_legal = len(_LEGAL_ESCAPE.findall(text)) == len(re.findall(r"\\.?", text))
    return bool(_ESCAPED_END.search(text)) or (is_legal and "\\\\" in text)


def without_end(line: str) -> str:
    r"""Return *line* without its own end; line ends before that are escaped."""
    return line.removesuffix("\n").removesuffix("\r")


def is_open(line: str) -> bool:
    """Return whether a line ends with a backslash that escapes its end."""
    bare = without_end(line)
    return (len(bare) - len(bare.rstrip("\\"))) % 2 == 1


def is_inside(text: str) -> bool:
    """Return whether a record with backslashes in quotes is not complete yet."""
    return _QUOTES.sub("", text).count('"') % 2 == 1 or is_open(text)


def split_backslash(text: str, delimiter: str) -> list[str | None]:
    r"""Return the columns of a record with quotes and backslashes; None for an unquoted ``\N``."""
    text = without_end(text) if not is_open(text) else text
    form = _backslash_form(re.escape(delimiter))
    return [_backslash_value(found) for found in _columns(form, text)]


def _backslash_value(found: re.Match[str]) -> str | None:
    if found[1] is None:
        return None if found[2] == NULL else _QUOTE_ESCAPE.sub(_quote_meaning, found[2])
    return _QUOTE_ESCAPE.sub(_quote_meaning, found[1].replace('""', '"'))


def _quote_meaning(found: re.Match[str]) -> str:
    return "" if found[1] == "0" else found[1]


def split_escaped(text: str, delimiter: str) -> list[str | None]:
    r"""Return the columns of a record without quotes, its escapes undone; None for ``\N``."""
    text = without_end(text)
    if "\\" not in text:
        return list(text.split(delimiter))
    parts = [found[1] for found in _columns(_escaped_form(re.escape(delimiter)), text)]
    return [None if part == NULL else _ESCAPE.sub(_meaning, part) for part in parts]


def _columns(form: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    place = 0
    while found := form.match(text, place):
        yield found
        if not found["end"]:
            return
        place = found.end()


@functools.cache
def _backslash_form(mark: str) -> re.Pattern[str]:
    quoted = r'"((?:[^"\\]|\\.|"")*+)"'
    return re.compile(rf"(?:{quoted}|((?:\\.|[^\\{mark}])*+\\?))(?P<end>{mark}|)", re.DOTALL)


@functools.cache
def _escaped_form(mark: str) -> re.Pattern[str]:
    return re.compile(rf"((?:\\.|[^\\{mark}])*+\\?)(?P<end>{mark}|)", re.DOTALL)


def _meaning(found: re.Match[str]) -> str:
    text = found[1]
    if len(text) == 1:
        return _LETTERS.get(text, text)
    return chr(int(text[1:], 16) if text[0] == "x" else int(text, 8))
