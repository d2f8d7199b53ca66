"""The recipe of the profile `accurate`, on a base of two small layers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import CrossEncoder

from db.errors import InvalidInputError
from tests.models.tiny_models import make_bert_encoder, make_mpnet_encoder
from tests.models.tiny_recipes import pairs
from training.recipes import adapter
from training.recipes.adapter import AdapterConfig
from worker.weights.merging import merge

TEXTS = [("how do i fold a jacket", "what is the best way"), ("paint a ladder", "in winter")]


def config(base: Path, *, epochs: float = 1.0) -> AdapterConfig:
    return AdapterConfig(
        epochs=epochs,
        base=str(base),
        batch_size=16,
        learning_rate=0.05,
        rank=2,
        evaluations=1,
        bf16=torch.cuda.is_available(),
    )


def test_what_is_merged_scores_as_what_was_trained(tmp_path: Path) -> None:
    base, rows = make_mpnet_encoder(tmp_path / "base"), pairs()
    before = adapter.load_base(config(base)).predict(TEXTS)

    done = adapter.train(config(base), rows[:80], rows[80:], work=tmp_path / "work")
    adapter.save(done.model, tmp_path / "adapter")
    merge(base, tmp_path / "adapter", tmp_path / "merged", scale=config(base).scale)

    after = done.model.predict(TEXTS)
    merged = CrossEncoder(str(tmp_path / "merged"), device="cpu").predict(TEXTS)
    np.testing.assert_allclose(merged, after, atol=2e-3)
    assert np.abs(np.asarray(after) - np.asarray(before)).max() > 1e-3
    saved = load_file(tmp_path / "adapter" / "adapter.safetensors")
    assert "mpnet.encoder.layer.1.attention.attn.q.A" in saved
    assert {name.split(".")[0] for name in saved} == {"mpnet", "classifier"}
    assert {value.dtype for value in saved.values()} == {torch.float16}


def test_a_run_goes_on_from_its_checkpoint_and_ends_with_the_best_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    base, rows, work = make_mpnet_encoder(tmp_path / "base"), pairs(), tmp_path / "work"
    adapter.train(config(base), rows[:48], rows[80:], work=work)

    more = config(base, epochs=2.0)
    done = adapter.train(more, rows[:48], rows[80:], work=work, resume=True)

    assert "Could not load the best model" not in caplog.text
    best = max(work.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    kept = load_file(best / "model.safetensors")
    learnt = dict(adapter.learnt(done.model))
    assert learnt.keys() <= kept.keys()
    assert len(done.history) > 1


def test_an_adapter_changes_nothing_before_it_has_learnt(tmp_path: Path) -> None:
    model = adapter.load_base(config(make_mpnet_encoder(tmp_path)))

    frozen = [name for name, one in model.named_parameters() if not one.requires_grad]
    learnt = dict(adapter.learnt(model))

    assert all(name.endswith((".A", ".B")) or "classifier" in name for name in learnt)
    assert not any(value.any() for name, value in learnt.items() if name.endswith(".B"))
    assert len(frozen) > len(learnt)


def test_a_base_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no MPNet"):
        adapter.load_base(config(make_bert_encoder(tmp_path)))
