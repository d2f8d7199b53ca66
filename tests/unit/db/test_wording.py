"""Counts in words, and that every count which people read is made so."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.rows import PairStatus
from db.wording import STATUS_WORDS, counted
from tests.documents import ROOT

PACKAGES = ("api", "cli", "client", "db", "integrations", "training", "worker")
NOUNS = (
    "actions|archives|askers|changes|columns|days|decisions|deliveries|duplicates|errors|fields|files"
    "|flags|forums|groups|judgements|keys|labels|links|minutes|moderators|models|pairs|people"
    "|questions|rows|samples|sessions|titles|units|values|vectors|votes|workers"
)
_VERBS = "has|is|refuses|runs"
_PLURAL = rf"(?: (?!{_VERBS})[a-z-]+){{0,2}} (?:{NOUNS})\b"
_AFTER_A_VALUE = re.compile(_PLURAL)
_IN_A_TEMPLATE = re.compile(
    rf"{{{{(?:(?!counted\(|percent\()[^}}])*}}}}(?:<[^>]*>)?{_PLURAL}|== 1 else \"s?\""
)
_IN_A_SCRIPT = re.compile(rf"\${{(?!percent\()[^}}]*}}{_PLURAL}")


def test_one_of_a_thing_is_no_plural() -> None:
    assert counted(1, "question") == "1 question"
    assert [counted(count, "question") for count in (0, 2)] == ["0 questions", "2 questions"]
    assert counted(1_000, "row was", "rows were") == "1,000 rows were"


def test_a_decision_is_named_as_on_its_button() -> None:
    decisions = (PairStatus.DUPLICATE, PairStatus.NOT_DUPLICATE, PairStatus.RELATED)
    assert [STATUS_WORDS[one] for one in decisions] == ["duplicate", "not the same", "related"]
    assert set(STATUS_WORDS) == set(PairStatus)


def test_a_count_above_its_limit_is_the_limit_and_a_plus() -> None:
    assert counted(5, "pair", limit=5) == "5 pairs"
    assert counted(6_000, "pair", limit=5_000) == "5,000+ pairs"


def _fixed_plurals(source: str) -> Iterator[str]:
    """Yield the texts in which a noun in the plural follows a number that varies."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, node.values[1:], strict=False):
            if not (isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant)):
                continue
            if not _is_fixed(value) and _AFTER_A_VALUE.match(str(after.value)):
                yield ast.unparse(node)


def _is_fixed(value: ast.FormattedValue) -> bool:
    """Return whether it is a constant or a share, or has its noun already."""
    name = ast.unparse(value.value)
    return name.lstrip("_").isupper() or "counted(" in name or "%}" in ast.unparse(value)


@pytest.mark.parametrize(
    ("source", "is_plural"),
    [
        ('f"{n} pairs"', True),
        ('f"{len(found):,} undecided pairs were"', True),
        ('f"{MOST} pairs"', False),
        ("f\"{counted(n, 'pair')} of questions\"", False),
        ('f"{name} has no pairs"', False),
        ('f"{share:.0%} duplicates"', False),
    ],
)
def test_the_search_finds_plurals_of_numbers(source: str, is_plural: bool) -> None:
    assert bool(list(_fixed_plurals(source))) is is_plural


@pytest.mark.parametrize("package", PACKAGES)
def test_no_sentence_has_a_fixed_plural(package: str) -> None:
    found = {
        str(path.relative_to(ROOT)): plurals
        for path in (ROOT / package).rglob("*.py")
        if (plurals := list(_fixed_plurals(path.read_text("utf-8"))))
    }

    assert found == {}


def _of_pages() -> Iterator[tuple[Path, re.Pattern[str]]]:
    console = ROOT / "api" / "console"
    yield from ((path, _IN_A_TEMPLATE) for path in (console / "templates").rglob("*.html"))
    yield ROOT / "deploy" / "prometheus" / "alerts.yml", _IN_A_TEMPLATE
    for folder in (console / "static", ROOT / "api" / "widget"):
        yield from ((path, _IN_A_SCRIPT) for path in folder.rglob("*.js"))


def test_no_page_has_a_fixed_plural() -> None:
    found = {path.name: pattern.findall(path.read_text("utf-8")) for path, pattern in _of_pages()}
    assert len(found) > 30

    assert {name: texts for name, texts in found.items() if texts} == {}
