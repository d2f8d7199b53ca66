from pathlib import Path

import pytest

from cli.archives import places
from db.errors import InvalidInputError


def test_a_place_that_is_not_there_yet_is_judged_by_the_folder_above(tmp_path: Path) -> None:
    places.check_writable(report=tmp_path / "new" / "report", rejects=tmp_path / "a.csv")
    places.check_writable(report=None, rejects=Path("a.csv"))

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named_with_its_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.archives.places.os.access", lambda path, _: path != tmp_path)

    with pytest.raises(InvalidInputError, match=r"report cannot be written .* --report"):
        places.check_writable(report=tmp_path / "report")
