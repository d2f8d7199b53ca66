"""The documentation names what exists, and everything that exists is documented."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic_settings import BaseSettings

from bench.__main__ import MEASUREMENTS, with_table
from cli.main import app
from tests.documents import (
    MODULES,
    OPENAPI,
    READERS,
    ROOT,
    between,
    openapi,
    parts,
    settings_table,
    task_names,
)

PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(
        ROOT / folder / "README.md"
        for folder in (
            "client",
            "integrations/django",
            "worker/models/accurate",
            "worker/models/reranker",
        )
    ),
]
EXTRAS = ("api", "parquet", "inference", "worker", "models", "embedded", "train")
PACKAGES = ("api.", "cli.", "db.", "worker.", "training.")

_CODE = re.compile(r"^```.*?^```|`[^`\n]+(?:\n[^`\n]+)?`", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"\baskedbefore((?: +[\w./=,:@~$\"'\[\]-]+)+)")
_OPTION = re.compile(r"--[a-z][\w-]+")
_METADATA = re.compile(r"\A---\n.*?^---\n", re.MULTILINE | re.DOTALL)  # of a model card
_ANCHOR = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")
_PATH = re.compile(
    r"`((?:api|bench|cli|client|db|deploy|integrations|migrations|tests|training|worker)/[\w./-]+)`"
)
_OVER_HTTP = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) ((?:\.\.\.|/v1)/[\w./{}:-]*[\w}])")
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)[^)]*\)")


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.fixture(scope="module")
def commands() -> dict[tuple[str, ...], Any]:
    return dict(_commands(typer.main.get_command(app)))


def _calls() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        for code in _CODE.findall(page.read_text(encoding="utf-8")):
            broken = "\\\n" if code.startswith("```") else "\n"
            for found in _CALL.findall(code.replace(broken, " ")):
                if not found.lstrip().startswith("-"):  # an option of the program itself
                    yield page.name, found.split()


def _named(words: list[str], known: dict[tuple[str, ...], Any]) -> tuple[str, ...] | None:
    return next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in known), None)


def test_every_command_is_documented(commands: dict[tuple[str, ...], Any]) -> None:
    named = {_named(words, commands) for _, words in _calls()}

    assert set(commands) - named == set()


def test_every_documented_command_exists(commands: dict[tuple[str, ...], Any]) -> None:
    groups = {path[0] for path in commands if len(path) > 1}
    for page, words in _calls():
        is_group = words[0] in groups and len(words) == 1
        assert is_group or _named(words, commands), f"{page}: askedbefore {' '.join(words)}"


def test_every_documented_option_exists(commands: dict[tuple[str, ...], Any]) -> None:
    for page, words in _calls():
        path = _named(words, commands)
        if path is None:
            continue
        parameters = commands[path].params
        known = {text for one in parameters for text in (*one.opts, *one.secondary_opts)}
        for option in _OPTION.findall(" ".join(words)):
            assert option in {*known, "--help"}, f"{page}: {' '.join(path)} {option}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = _LINK.findall(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def _headings(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub makes them of its headings."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    found = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in found}


def test_every_link_into_a_page_leads_to_a_heading() -> None:
    wrong = [
        (page.name, target, anchor)
        for page in PAGES
        for target, anchor in _ANCHOR.findall(page.read_text(encoding="utf-8"))
        if (to := (page.parent / target if target else page)).suffix == ".md"
        and anchor not in _headings(to)
    ]

    assert wrong == []


def test_every_path_in_the_pages_exists() -> None:
    named = {
        (page.name, path)
        for page in PAGES
        for path in _PATH.findall(page.read_text("utf-8"))
        if not re.search("NAME|NNNN", path)  # a name that the reader chooses
    }
    assert len(named) > 30

    assert sorted(one for one in named if not (ROOT / one[1]).exists()) == []


@pytest.mark.parametrize(("path", "mark", "table"), parts(), ids=[mark for _, mark, _ in parts()])
def test_a_generated_table_says_what_the_code_says(path: Path, mark: str, table: str) -> None:
    found = between(mark).search(path.read_text(encoding="utf-8"))

    assert found is not None
    assert found[1] == f"{table}\n", "run `make docs` and commit what it wrote"


def test_the_description_of_the_api_is_the_one_that_is_served() -> None:
    assert OPENAPI.read_text(encoding="utf-8") == openapi(), (
        "run `make docs` and commit its changes"
    )


def _below(kind: type[BaseSettings]) -> Iterator[type[BaseSettings]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def test_no_variable_of_the_service_is_left_out_of_the_table() -> None:
    read = {
        f"{prefix}{name.upper()}"
        for one in _below(BaseSettings)
        if one.__module__.startswith(PACKAGES)
        and (prefix := one.model_config.get("env_prefix") or "").startswith("ASKEDBEFORE_")
        for name in one.model_fields
    }
    listed = set(re.findall(r"^\| `(ASKEDBEFORE_\w+)` \|", settings_table(), re.MULTILINE))

    assert read - listed == set()


def _banned() -> re.Pattern[str]:
    """Return what finds a word that `docs/style.md` replaces by another."""
    style = (ROOT / "docs" / "style.md").read_text(encoding="utf-8")
    table = style.partition("| do not write |")[2].partition("\n## ")[0]
    words = (word for row in table.splitlines()[2:] for word in row.split("|")[2:3])
    listed = [word.strip() for words_of in words for word in words_of.split(",")]
    return re.compile(rf"\b(?:{'|'.join(listed)})(?:s|es)?\b", re.IGNORECASE)


def _read_by_people(commands: dict[tuple[str, ...], Any]) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        if page.name not in {"CHANGELOG.md", "style.md"}:
            text = _METADATA.sub("", _CODE.sub("", page.read_text("utf-8")))
            yield str(page.relative_to(ROOT)), re.sub(r"\]\([^)]*\)", "", text)
    for path, command in commands.items():
        options = (getattr(one, "help", None) or "" for one in command.params)
        yield " ".join(path), " ".join([command.help or "", *options]).partition("Example")[0]
    for name in ("api", "cli", "db", "worker"):
        yield name, " ".join(_error_sentences(ROOT / name))
    yield "openapi.json", " ".join(_descriptions(json.loads(OPENAPI.read_text("utf-8"))))
    for template in (ROOT / "api" / "console" / "templates").rglob("*.html"):
        yield template.name, re.sub(r"{[{%#].*?[%}#]}|<[^>]*>", "", template.read_text("utf-8"))


def _error_sentences(package: Path) -> Iterator[str]:
    """Yield the texts with which the modules of a package raise errors."""
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name_of(node.func).endswith("Error"):
                parts = (part for one in node.args for part in ast.walk(one))
                yield from (
                    part.value
                    for part in parts
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                )


def _name_of(called: ast.expr) -> str:
    return str(getattr(called, "attr", getattr(called, "id", "")))


def _descriptions(node: Any) -> Iterator[str]:
    """Yield every text under the name ``description`` in a JSON document."""
    if isinstance(node, dict):
        if isinstance(node.get("description"), str):
            yield node["description"]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from _descriptions(one)


def test_one_word_stands_for_one_thing(commands: dict[tuple[str, ...], Any]) -> None:
    banned = _banned()
    assert banned.search("the embeddings of two questions")

    found = {name: banned.findall(text) for name, text in _read_by_people(commands)}

    assert {name: words for name, words in found.items() if words} == {}


def test_every_setting_has_a_description() -> None:
    fields = [field for settings in READERS for field in settings.model_fields.values()]

    assert all(field.description for field in fields)


def test_the_tables_of_tasks_name_every_task_and_modules_that_exist() -> None:
    assert set(MODULES) == task_names()
    assert [
        path for paths in MODULES.values() for path in paths if not (ROOT / path).is_file()
    ] == []


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_measurement_replaces_its_own_table_and_nothing_else(name: str) -> None:
    page = (ROOT / "docs" / "measurements.md").read_text(encoding="utf-8")

    again = with_table(page, name, "| a | b |\n| --- | --- |\n| 1 | \\2 |\n")

    assert between(name).sub("", again) == between(name).sub("", page)
    assert "| 1 | \\2 |\n" in again


def test_every_dependency_is_in_the_table_with_its_purpose() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = (project["optional-dependencies"][name] for name in EXTRAS)
    wanted = chain(project["dependencies"], *extras)
    names = {re.match(r"[\w.-]+", one)[0].removesuffix("-binary") for one in wanted}  # type: ignore[index]
    page = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8").lower()

    assert [name for name in sorted(names - {"askedbefore"}) if name not in page] == []


def test_every_decision_is_in_the_list_of_decisions() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"))

    assert listed == sorted(path.name for path in folder.glob("0*.md"))


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    """Return the paths of the API: the description is the one that is served, see above."""
    return dict(json.loads(OPENAPI.read_text("utf-8"))["paths"])


def _calls_over_http() -> Iterator[tuple[str, str, str]]:
    """Yield page, method and path of each call, with the forum's own paths as ``...``."""
    for page in [*PAGES, *(ROOT / "cli").rglob("*.py")]:
        text = page.read_text(encoding="utf-8")
        for method, path in _OVER_HTTP.findall(text):
            yield str(page.relative_to(ROOT)), method, re.sub(r"^/v1/forums/[^/]+", "...", path)


def test_every_documented_call_exists(paths: dict[str, Any]) -> None:
    known = [
        (method.upper(), re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(_short(path)))))
        for path, methods in paths.items()
        for method in methods
    ]
    calls = list(_calls_over_http())
    assert len(calls) > 50

    unknown = [
        call
        for call in calls
        if not any(call[1] == method and path.fullmatch(call[2]) for method, path in known)
    ]

    assert unknown == []


def _short(path: str) -> str:
    return path.replace("/v1/forums/{forum}", "...")


def test_the_examples_of_good_style_are_where_they_are_said_to_be() -> None:
    style = (ROOT / "docs" / "style.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| \[[^]]+\]\(([^)]+)\) \| .* \| (.*) \|$", style.partition("## Before")[2], re.MULTILINE
    )
    assert len(rows) >= 10

    missing = [after for path, after in rows if _one_line(after) not in _text_of(path)]

    assert missing == []


def _text_of(path: str) -> str:
    return _one_line((ROOT / "docs" / path).read_text(encoding="utf-8"))


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"[\"*`]+", "", text).split())


def test_every_path_of_the_api_is_documented(paths: dict[str, Any]) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

    for path in paths:
        tail = re.sub(r"\{[^}]+\}", "{}", path.removeprefix("/v1/forums/{forum}"))
        shape = re.escape(tail).replace(r"\{\}", r"[^/\s`?\"]+")
        assert re.search(shape + r"[`?\" \n]", text), path
