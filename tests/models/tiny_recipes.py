"""Made-up questions and a bi-encoder of two small layers that knows their words."""

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from training.data.pairs import LabelledPair
from training.recipes.cross_encoder import CrossEncoderConfig

PADDING, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
VERBS = ("bake", "sell", "draw", "clean", "repair", "paint", "carry", "store", "weigh", "choose")
THINGS = ("bread", "houses", "maps", "boots", "clocks", "walls")
WORDS = ("how", "do", "i", "can", "one", "what", "is", "the", "way", "to", "?", "should", "we")


def duplicates() -> list[LabelledPair]:
    return [
        LabelledPair(f"How do I {verb} {thing}?", f"How can one {verb} {thing}?", 1.0)
        for verb in VERBS
        for thing in THINGS
    ]


def pairs() -> list[LabelledPair]:
    """Return duplicates, and pairs with the same wording about other things; 60 components."""
    found = []
    for place, pair in enumerate(duplicates()):
        verb, thing = pair.question1.rstrip("?").split()[-2:]
        other = f"Should we {VERBS[(place + 3) % 10]} the {thing} {place % 7} {verb}?"
        found += [pair, LabelledPair(pair.question1, other, 0.0)]
    return found


def make_tokenizer() -> PreTrainedTokenizerFast:
    words = [PADDING, UNKNOWN, START, END, *WORDS, *VERBS, *THINGS, *map(str, range(10))]
    vocabulary = {word: place for place, word in enumerate(words)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(START, 2), (END, 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PADDING,
        unk_token=UNKNOWN,
        cls_token=START,
        sep_token=END,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        model_max_length=48,
    )


def make_base(folder: Path) -> str:
    """Write a bi-encoder of 32 dimensions and random weights into *folder*; return its name."""
    torch.manual_seed(1)
    bert = folder / "bert"
    tokenizer = make_tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(bert)
    tokenizer.save_pretrained(bert)
    transformer = Transformer(str(bert))
    model = SentenceTransformer(
        modules=[transformer, Pooling(transformer.get_embedding_dimension()), Normalize()],
        device="cpu",
    )
    model.save_pretrained(str(folder / "model"), create_model_card=False)
    return str(folder / "model")


def config(base: str, **changes: object) -> CrossEncoderConfig:
    settings: dict[str, object] = {
        "base": base,
        "epochs": 4.0,
        "batch_size": 8,
        "learning_rate": 3e-3,
        "max_length": 48,
        "train_word_embeddings": True,
        "bf16": False,
        "evaluations": 4,
        "patience": 10,
    }
    return CrossEncoderConfig(**{**settings, **changes})  # type: ignore[arg-type]
