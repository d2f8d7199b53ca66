"""Models small enough to be made, exported and run in a test; their weights are random."""

from pathlib import Path
from typing import Any

import torch
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
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

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


def _save_encoder(
    folder: Path, model: BertModel | RobertaModel, tokenizer: PreTrainedTokenizerFast, pooling: str
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
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=32,
        pad_token="<pad>",  # noqa: S106
        cls_token="<s>",  # noqa: S106
        sep_token="</s>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
    )
