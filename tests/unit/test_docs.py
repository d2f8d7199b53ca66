"""The documentation names what exists, and everything that exists is documented."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic_settings import BaseSettings

from api.app import create_app
from api.console.settings import ConsoleSettings
from api.settings import ApiSettings
from cli.home import HomeSettings
from cli.main import app
from db.settings import DatabaseSettings
from worker.delivery.addresses import WebhookSettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
SETTINGS = (
    DatabaseSettings,
    WorkerSettings,
    WebhookSettings,
    ApiSettings,
    ConsoleSettings,
    HomeSettings,
)

_CODE = re.compile(r"^```.*?^```|`[^`\n]+(?:\n[^`\n]+)?`", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"\baskedbefore((?: +[\w./=,:@~$\"'\[\]-]+)+)")
_OPTION = re.compile(r"--[a-z][\w-]+")
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = _LINK.findall(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    return f"`{str(field.default).replace(str(Path.home()), '~')}`"


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_table_of_settings_says_what_the_classes_say(settings: type[BaseSettings]) -> None:
    rows = {
        cells[1]: cells[3:5]
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if len(cells := [cell.strip() for cell in line.split("|")]) == 6
    }
    prefix = settings.model_config["env_prefix"]

    for name, field in settings.model_fields.items():
        said = [_default(field), field.description]
        assert rows[f"`{prefix}{name.upper()}`"] == said


def test_no_setting_stands_in_the_table_twice() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(ASKEDBEFORE_\w+)` \|", text, re.MULTILINE)

    assert sorted(named) == sorted(set(named))


def test_every_path_of_the_api_is_documented() -> None:
    settings = ApiSettings(redis_url="redis://localhost", secret_key="0a" * 32)
    paths = create_app(settings, sessions=None, queue=None).openapi()["paths"]  # type: ignore[arg-type]
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

    for path in paths:
        tail = re.sub(r"\{[^}]+\}", "{}", path.removeprefix("/v1/forums/{forum}"))
        shape = re.escape(tail).replace(r"\{\}", r"[^/\s`?\"]+")
        assert re.search(shape + r"[`?\" \n]", text), path
