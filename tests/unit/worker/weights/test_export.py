"""What an export must agree with, and where exports, weights and devices are looked for."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import ModelNotFoundError, TransientError, UnreadableModelError
from db.vectors.rows import ModelKind
from tests.models.tiny_models import make_adapter
from worker.weights import load
from worker.weights.accurate import PUBLISHED, Published
from worker.weights.export import ModelNotMadeError, agrees, ready_folder, take_exports
from worker.weights.load import model_folder
from worker.weights.prepare import (
    Kept,
    WeightsNotAtHandError,
    _size,
    are_at_hand,
    are_exported,
)

DIGEST = "ab" * 32


@given(st.integers(0, 20), st.floats(0.01, 100))
def test_vectors_agree_with_themselves_at_any_length(seed: int, length: float) -> None:
    rows = np.random.default_rng(seed).normal(size=(6, 8)).astype(np.float32)

    assert agrees(rows, rows * np.float32(length))
    assert not agrees(rows, -rows)
    assert not agrees(rows, rows[::-1])


def test_vectors_that_are_nearly_the_same_agree_and_others_do_not() -> None:
    rows = np.eye(4, dtype=np.float32)

    assert agrees(rows, rows + np.float32(0.05))
    assert not agrees(rows, rows + np.float32(0.2))
    assert not agrees(rows, np.zeros_like(rows))


@pytest.mark.parametrize(
    ("moved", "is_agreed"), [(0.0, True), (0.05, True), (0.2, False), (30.0, False)]
)
def test_logits_agree_by_the_probability_they_stand_for(moved: float, *, is_agreed: bool) -> None:
    logits = np.array([-0.5, 0.0, 0.5], np.float32)

    assert agrees(logits, logits + np.float32(moved)) is is_agreed


def test_far_out_logits_may_differ_much() -> None:
    assert agrees(np.array([-30.0, 30.0], np.float32), np.array([-9.0, 9.0], np.float32))


def test_a_ready_model_is_found_by_its_digest_and_how_it_was_made(tmp_path: Path) -> None:
    place = ready_folder(DIGEST, tmp_path)

    assert place.parent == tmp_path
    assert place.name.startswith(DIGEST[:32])
    assert ready_folder("cd" * 32, tmp_path) != place


def put(folder: Path, name: str, content: str = "x") -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "model.onnx").write_text(content)


def test_exports_of_an_image_are_copied_once_and_what_is_there_stays(tmp_path: Path) -> None:
    exports, cache = tmp_path / "exports", tmp_path / "cache"
    put(exports, "one")
    put(exports, "two", "of the image")
    put(cache, "two", "of this machine")
    (exports / "README").write_text("no model")

    first = take_exports(exports, cache)

    assert first == ["one"]
    assert take_exports(exports, cache) == []
    assert (cache / "one" / "model.onnx").read_text() == "x"
    assert (cache / "two" / "model.onnx").read_text() == "of this machine"
    assert not list(cache.glob("*.work"))


def test_a_folder_of_exports_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModelError, match="ASKEDBEFORE_MODEL_EXPORTS names no folder"):
        take_exports(tmp_path / "none", tmp_path)


@pytest.mark.parametrize(("number", "is_memory"), [(signal.SIGKILL, True), (signal.SIGTERM, False)])
def test_an_export_that_was_ended_says_by_what_and_may_be_tried_again(
    number: signal.Signals, *, is_memory: bool
) -> None:
    error = ModelNotMadeError(Path("m"), number)

    assert isinstance(error, TransientError)
    assert f"was ended by {number.name}" in str(error)
    assert ("Most likely memory ran out" in str(error)) is is_memory


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return replace(
        PUBLISHED,
        bi_encoder="tiny",
        reranker="tiny-reranker",
        hub_id="nobody/nothing",
        wheels=("nobody-has-this-package",),
        digest=DIGEST,
        adapter=make_adapter(tmp_path / "adapter"),
    )


def test_both_exports_or_both_weights_are_enough_and_one_is_not(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.weights.prepare.hub_folder", lambda *_, **__: None)
    cache, found = tmp_path / "cache", list[tuple[bool, bool]]()

    def look() -> None:
        found.append((are_exported(published, cache), are_at_hand(published, cache)))

    look()
    ready_folder(published.digest, cache).mkdir(parents=True)
    look()
    ready_folder(published.reranker_digest, cache).mkdir()
    look()
    ready_folder(published.digest, cache).rmdir()
    Kept.of(published, cache).bi_encoder.mkdir()
    look()
    Kept.of(published, cache).reranker.mkdir()
    look()

    assert found == [(False, False), (False, False), (True, True), (False, False), (False, True)]


def test_weights_of_another_adapter_are_kept_beside(published: Published, tmp_path: Path) -> None:
    other = replace(published, scale=3.0)

    assert Kept.of(other, tmp_path).reranker != Kept.of(published, tmp_path).reranker
    assert Kept.of(other, tmp_path).bi_encoder == Kept.of(published, tmp_path).bi_encoder


def test_what_cannot_be_had_says_how_it_can() -> None:
    said = str(WeightsNotAtHandError("pip could not fetch them"))

    assert said.startswith("the weights of the profile accurate cannot be obtained: pip could not")
    assert "askedbefore models prepare accurate --folder" in said


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 10)
    before = _size(tmp_path / "a")
    (tmp_path / "a" / "gone").symlink_to(tmp_path / "nothing")  # as if moved meanwhile

    assert (before, _size(tmp_path / "a")) == (10, 10)


def test_a_model_is_a_folder_or_a_name_that_is_known(tmp_path: Path) -> None:
    assert model_folder(str(tmp_path)) == tmp_path
    assert (model_folder("default") / "calibration.json").is_file()
    packaged = model_folder("all-MiniLM-L6-v2")
    assert packaged == model_folder("sentence-transformers/all-MiniLM-L6-v2")
    assert (packaged / "tokenizer.json").is_file()


def test_a_name_that_nobody_has_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", away)

    with pytest.raises(ModelNotFoundError, match="nobody/nothing"):
        model_folder("nobody/nothing")


def test_the_two_models_of_accurate_are_known_by_their_names() -> None:
    names = load._accurate_names()  # noqa: SLF001

    assert names == {
        (ModelKind.BI_ENCODER, "all-mpnet-base-v2"),
        (ModelKind.RERANKER, "accurate"),
    }
