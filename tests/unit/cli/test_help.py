"""The help of every command teaches: it has an example, and the example is a call that works."""

import re
import shlex
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli.main import app

_EXAMPLE = re.compile(r"\baskedbefore (.+?)(?=;|\Z)", re.DOTALL)


def _commands(group: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= _commands(command, (*path, name))
            if getattr(command, "invoke_without_command", False):
                found[*path, name] = command
        else:
            found[*path, name] = command
    return found


COMMANDS = _commands(typer.main.get_command(app))


def _examples(command: Any) -> list[list[str]]:
    """Return the words of each call after the word "Example" in a help."""
    _, _, examples = command.help.partition("Example")
    return [shlex.split(one) for one in _EXAMPLE.findall(examples)]


def _called(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command of a call and the words after its name."""
    length = next(n for n in (2, 1) if tuple(words[:n]) in COMMANDS)
    return COMMANDS[tuple(words[:length])], words[length:]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_of_itself(path: tuple[str, ...]) -> None:
    examples = _examples(COMMANDS[path])

    assert any(tuple(words[: len(path)]) == path for words in examples)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_example_gives_what_its_command_needs(path: tuple[str, ...]) -> None:
    for words in _examples(COMMANDS[path]):
        command, arguments = _called(words)
        context = command.context_class(command, info_name=words[0])

        given, left, _ = command.make_parser(context).parse_args(arguments)

        missing = [one.name for one in command.params if one.required and not given.get(one.name)]
        assert (left, missing) == ([], []), words


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_described(path: tuple[str, ...]) -> None:
    helps = {one.name: getattr(one, "help", None) or "" for one in COMMANDS[path].params}

    assert [name for name, text in helps.items() if not re.match("[A-Z`]", text)] == []


def test_the_example_is_printed() -> None:
    printed = CliRunner().invoke(app, ["backup", "--help"]).output

    assert "Example: askedbefore backup askedbefore.backup" in printed
