"""Units name programs and files as systemd reads them."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.running.systemd import Place, units

PLACES = {"system": Place.of_system(), "user": Place.of_user(Path("/home/ana"))}


def command(program: str, name: str = "askedbefore-beat.service") -> str:
    lines = units(PLACES["system"], program=program)[name].splitlines()
    return next(line.removeprefix("ExecStart=") for line in lines if line.startswith("ExecStart="))


@given(st.text("abc /.%\"'\\-_", min_size=1, max_size=20))
def test_a_program_in_any_folder_is_one_word(program: str) -> None:
    words = shlex.split(command(f"/{program}"))  # quoted in the same way, but for the percent signs

    assert [words[0].replace("%%", "%"), *words[1:]] == [f"/{program}", "beat"]


def test_a_usual_path_stands_as_it_is() -> None:
    assert command("/opt/askedbefore/bin/askedbefore") == "/opt/askedbefore/bin/askedbefore beat"
    assert command("/opt/my app/50%/ab") == '"/opt/my app/50%%/ab" beat'


@pytest.mark.parametrize("kind", PLACES)
def test_every_unit_is_whole(kind: str) -> None:
    place = PLACES[kind]
    for name, unit in units(place, program="/bin/ab").items():
        assert "{" not in unit, name
        assert unit.count("[Unit]") == unit.count("[Service]") == unit.count("[Install]") == 1
        assert f"EnvironmentFile={place.seen_as}\n" in unit
        assert ("User=askedbefore" in unit) == (kind == "system")


def test_settings_in_a_home_with_an_odd_name_are_found() -> None:
    unit = units(Place.of_user(Path("/home/50%")), program="/bin/ab")["askedbefore-api.service"]

    assert "EnvironmentFile=/home/50%%/.config/askedbefore/settings.env\n" in unit
