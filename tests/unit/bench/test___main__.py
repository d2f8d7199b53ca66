"""`--help` of `python -m bench` says what there is, and measures nothing."""

from pathlib import Path

import pytest

from bench import __main__ as bench

FOLDER = Path(bench.__file__).parent


def asked(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["bench", *words])
    bench.main()


def test_help_names_every_measurement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(monkeypatch, "--help")

    printed = capsys.readouterr().out
    assert all(name in printed for name in (*bench.MEASUREMENTS, *bench.PRINTED))


@pytest.mark.parametrize(
    "name", sorted({*bench.MEASUREMENTS, *bench.PRINTED} - {*bench.WITH_OPTIONS})
)
def test_a_measurement_without_options_says_what_it_is(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(monkeypatch, name, "--help")

    assert "easures" in (printed := capsys.readouterr().out) or "ompares" in printed


def test_those_that_read_options_are_known() -> None:
    reading = {
        path.stem if path.parent == FOLDER else path.parent.name
        for path in (*FOLDER.glob("*.py"), *FOLDER.glob("*/__main__.py"))
        if any(f"import {parser}" in path.read_text() for parser in ("argparse", "typer"))
    }

    assert reading == {*bench.WITH_OPTIONS}


def test_a_name_that_is_none_says_which_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="choose of models, service"):
        asked(monkeypatch, "modles")
