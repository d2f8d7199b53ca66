from pathlib import Path

import pytest

from db.errors import UnreadableModelError
from worker.weights.digests import folder_digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "1_Pooling" / "config.json").write_text("{}")
    return folder


def test_the_digest_does_not_depend_on_where_the_folder_lies(folder: Path, tmp_path: Path) -> None:
    before = folder_digest(folder)

    moved = folder.rename(tmp_path / "elsewhere")

    assert folder_digest(moved) == before
    assert len(before) == 64


def test_notes_beside_the_weights_do_not_change_the_digest(folder: Path) -> None:
    before = folder_digest(folder)

    for name in ("README.md", "calibration.json", "training.json", "data_config.json"):
        (folder / name).write_text("changed")

    assert folder_digest(folder) == before


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "1_Pooling/config.json"])
def test_whatever_decides_the_numbers_changes_the_digest(folder: Path, name: str) -> None:
    before = folder_digest(folder)

    (folder / name).write_text("changed")

    assert folder_digest(folder) != before


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModelError, match="holds no model"):
        folder_digest(tmp_path)
