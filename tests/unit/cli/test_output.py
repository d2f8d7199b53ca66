import json
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from cli.output import Facts, with_json
from db.errors import InvalidInputError

app = typer.Typer()


@app.command()
@with_json(file="out")
def write(out: Annotated[str, typer.Option()] = "-") -> Facts:
    """Write a file."""
    typer.echo("some library says something")
    return {"file": Path(out), "rows": 2}


def test_with_json_there_are_only_the_facts_on_standard_output() -> None:
    done = CliRunner().invoke(app, ["--out", "a.csv", "--json"])

    assert json.loads(done.stdout) == {"file": "a.csv", "rows": 2}
    assert "some library" in done.stderr


def test_without_it_there_are_the_words_alone() -> None:
    assert CliRunner().invoke(app, []).stdout == "some library says something\n"


def test_a_file_on_standard_output_and_json_are_refused_together() -> None:
    with pytest.raises(InvalidInputError, match="--out"):
        write(out="-", as_json=True)
