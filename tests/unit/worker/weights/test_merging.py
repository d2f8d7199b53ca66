import json
from pathlib import Path

import numpy as np
import pytest

from db.errors import IncompatibleModelError
from tests.models.tiny_models import make_adapter, make_mpnet_encoder
from worker.weights.merging import Weights, added, main

LAYER = "encoder.layer.0.attention.attn.q"


def test_the_product_of_the_adapter_is_added_to_the_weight() -> None:
    published: Weights = {
        f"{LAYER}.weight": np.eye(3, dtype=np.float32),
        "pooler.dense.weight": np.ones(2),
    }
    learnt: Weights = {
        f"mpnet.{LAYER}.A": np.full((1, 3), 2.0, np.float16),
        f"mpnet.{LAYER}.B": np.full((3, 1), 0.5, np.float16),
        "classifier.out_proj.bias": np.full(1, 7.0, np.float16),
    }

    made = added(published, learnt, scale=2.0)

    assert sorted(made) == ["classifier.out_proj.bias", f"mpnet.{LAYER}.weight"]
    assert (made[f"mpnet.{LAYER}.weight"] == np.eye(3) + 2.0).all()
    assert {value.dtype for value in made.values()} == {np.dtype(np.float32)}


def test_a_base_without_the_weight_is_refused() -> None:
    with pytest.raises(IncompatibleModelError, match=r"layer\.0"):
        added(
            {}, {f"mpnet.{LAYER}.A": np.ones((1, 3)), f"mpnet.{LAYER}.B": np.ones((3, 1))}, scale=1
        )


def test_a_folder_for_a_cross_encoder_of_one_label_comes_out(tmp_path: Path) -> None:
    base, adapter = make_mpnet_encoder(tmp_path / "base"), make_adapter(tmp_path / "adapter")

    status = main(str(base), str(adapter), str(tmp_path / "made"), "2.0")

    config = json.loads((tmp_path / "made" / "config.json").read_text())
    assert status == 0
    assert (config["num_labels"], config["vocab_size"]) == (1, 64)
    assert (tmp_path / "made" / "calibration.json").is_file()


def test_why_it_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(str(tmp_path), str(tmp_path), str(tmp_path / "made"), "2.0")

    assert status == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
