"""Rows are compared with those of the `tokenizers` library on whole texts and pairs."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from db.errors import UnreadableModelError
from worker.inference.onnx_backend import shared_out
from worker.inference.tokens import (
    SPEC_FILE,
    Batch,
    ModelSpec,
    Precision,
    Tokens,
    batches,
    longest_first,
)

WORDS = ("<pad>", "<s>", "</s>", "<unk>", "how", "do", "i", "fold", "a", "jacket", "?")
SPECIAL = [("<s>", 1), ("</s>", 2)]
BERT = TemplateProcessing(
    single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=SPECIAL
)
ROBERTA = TemplateProcessing(
    single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=SPECIAL
)
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def make_tokenizer(template: TemplateProcessing) -> Tokenizer:
    tokenizer = Tokenizer(
        WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="<unk>")  # noqa: S106
    )
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = template
    return tokenizer


def make_tokens(
    template: TemplateProcessing = BERT, *, max_length: int = 12, prompt: str = ""
) -> Tokens:
    spec = ModelSpec(inputs=INPUTS, max_length=max_length, prompt=prompt)
    return Tokens(make_tokenizer(template).to_str(), spec)


texts = st.lists(st.sampled_from(WORDS[4:]), max_size=15).map(" ".join)


@pytest.mark.parametrize("template", [BERT, ROBERTA], ids=["bert", "roberta"])
@given(pairs=st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
@example(pairs=[("how " * 13, "how " * 12)])
def test_pairs_are_assembled_as_the_tokenizer_would(
    template: TemplateProcessing, pairs: list[tuple[str, str]]
) -> None:
    tokens, reference = make_tokens(template), make_tokenizer(template)
    reference.enable_truncation(12)
    ids = tokens.ids([text for pair in pairs for text in pair])
    indices = np.arange(2 * len(pairs), dtype=np.int32).reshape(-1, 2)

    made = list(tokens.pairs(ids, indices, token_budget=24))

    assert sorted(row for batch in made for row in batch.rows) == list(range(len(pairs)))
    for batch in made:
        for at, row in enumerate(batch.rows):
            expected = reference.encode(*pairs[row])
            size = len(expected.ids)
            assert batch.ids[at, :size].tolist() == expected.ids
            assert batch.types[at, :size].tolist() == expected.type_ids
            assert batch.mask[at].sum() == size
            assert not batch.ids[at, size:].any()


@given(some=st.lists(texts, min_size=1, max_size=8))
def test_single_texts_are_assembled_as_the_tokenizer_would(some: list[str]) -> None:
    tokens, reference = make_tokens(), make_tokenizer(BERT)
    reference.enable_truncation(12)

    made = list(tokens.singles(tokens.ids(some), token_budget=24))

    for batch in made:
        for at, row in enumerate(batch.rows):
            assert batch.ids[at, batch.mask[at] == 1].tolist() == reference.encode(some[row]).ids


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=60), token_budget=st.integers(1, 200)
)
def test_batches_hold_every_row_once_and_keep_the_budget(
    lengths: list[int], token_budget: int
) -> None:
    made = list(batches(np.array(lengths, np.int64), token_budget=token_budget))

    assert sorted(row for rows in made for row in rows) == list(range(len(lengths)))
    for rows in made:
        longest = max(lengths[row] for row in rows)
        assert len(rows) == 1 or len(rows) * longest <= token_budget


def test_the_longer_text_gives_way_first() -> None:
    lengths = np.array([[3, 20], [20, 3], [20, 20], [4, 5], [20, 0]], np.int64)

    assert longest_first(lengths, 9).tolist() == [[3, 6], [6, 3], [4, 5], [4, 5], [9, 0]]


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "fold \udfff", "fold " * 100_000, "\n\t "])
def test_no_text_is_refused(text: str) -> None:
    tokens = make_tokens()

    (batch,) = tokens.singles(tokens.ids([text]), token_budget=24)

    assert batch.ids.shape[1] <= 12


def test_a_prompt_is_put_before_every_text() -> None:
    tokens = make_tokens(prompt="how do ")

    assert tokens.ids(["i fold"]) == [[4, 5, 6, 7]]


def test_only_the_inputs_that_the_model_knows_are_fed() -> None:
    tokens = make_tokens()
    (batch,) = tokens.singles(tokens.ids(["fold"]), token_budget=24)

    assert list(batch.feed(("input_ids", "attention_mask"))) == ["input_ids", "attention_mask"]


def test_a_broken_tokenizer_is_named() -> None:
    with pytest.raises(UnreadableModelError, match=r"tokenizer\.json"):
        Tokens(json.dumps({"version": "1.0"}), ModelSpec(inputs=INPUTS, max_length=12))


def test_batches_are_shared_out_among_threads_in_their_order() -> None:
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
    ids = np.arange(12).reshape(3, 4) * mask
    batch = Batch(rows=np.array([2, 0, 1]), ids=ids, mask=mask, types=np.zeros_like(ids))

    two, alone, many = (shared_out([batch], count) for count in (2, 1, 9))

    assert [part.rows.tolist() for part in two] == [[2], [0, 1]]
    assert two[0].ids.tolist() == [[0, 1]]
    assert two[1].mask.tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert [part.rows.tolist() for part in alone] == [[2, 0, 1]]
    assert [part.rows.tolist() for part in many] == [[2], [0], [1]]


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec(inputs=INPUTS, max_length=12),
        ModelSpec(
            inputs=INPUTS[:2],
            max_length=512,
            pad_id=7,
            pad_left=True,
            prompt="query: caf\u00e9 ",
            dimension=384,
            precision=Precision.INT8,
        ),
    ],
)
def test_what_prepares_an_input_survives_its_file(spec: ModelSpec, tmp_path: Path) -> None:
    spec.save(tmp_path)

    assert ModelSpec.load(tmp_path) == spec


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"inputs": ["input_ids"]}',
        '{"inputs": ["input_ids"], "max_length": 12, "precision": "int4"}',
        '{"inputs": ["input_ids"], "max_length": 12, "precision": "fp32", "colour": 1}',
        '{"inputs": 3, "max_length": 12, "precision": "fp32"}',
        "\udcff",
    ],
)
def test_a_file_that_prepares_no_input_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / SPEC_FILE).write_bytes(content.encode("utf-8", "surrogateescape"))

    with pytest.raises(UnreadableModelError, match=SPEC_FILE):
        ModelSpec.load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModelError, match=SPEC_FILE):
        ModelSpec.load(tmp_path)


@given(some=st.lists(texts, min_size=1, max_size=6))
def test_what_pads_on_the_left_ends_where_its_text_ends(some: list[str]) -> None:
    right = make_tokens()
    left = Tokens(
        make_tokenizer(BERT).to_str(),
        ModelSpec(inputs=INPUTS, max_length=12, pad_left=True, pad_id=9),
    )

    made = zip(
        right.singles(right.ids(some), token_budget=99),
        left.singles(left.ids(some), token_budget=99),
        strict=True,
    )

    for one, other in made:
        assert one.rows.tolist() == other.rows.tolist()
        for at in range(len(one.rows)):
            held, size = one.ids[at, one.mask[at] == 1].tolist(), int(one.mask[at].sum())
            assert other.ids[at, -size:].tolist() == held
            assert other.mask[at].tolist() == [0] * (other.mask.shape[1] - size) + [1] * size
            assert set(other.ids[at, :-size].tolist()) <= {9}


@given(
    pairs=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=9),
    room=st.integers(2, 50),
)
def test_two_texts_share_the_room_and_none_is_cut_without_need(
    pairs: list[tuple[int, int]], room: int
) -> None:
    lengths = np.array(pairs, np.int64)

    kept = longest_first(lengths, room)

    assert (kept <= lengths).all()
    assert (kept.sum(axis=1) == np.minimum(lengths.sum(axis=1), room)).all()
    # The shorter one is never cut below its half.
    assert (kept.min(axis=1) >= np.minimum(lengths.min(axis=1), room // 2)).all()


@given(lengths=st.lists(st.integers(1, 20), min_size=1, max_size=40))
def test_batches_come_shortest_first(lengths: list[int]) -> None:
    made = [row for rows in batches(np.array(lengths, np.int64), token_budget=40) for row in rows]

    assert [lengths[row] for row in made] == sorted(lengths)


def padded(groups: list[list[int]]) -> int:
    return sum(len(group) * max(group) for group in groups)


def filled(lengths: list[int], token_budget: int) -> list[list[int]]:
    """Return batches as they are if each takes as many rows as it can, shortest first."""
    groups: list[list[int]] = [[]]
    for length in sorted(lengths):
        if groups[-1] and (len(groups[-1]) + 1) * length > token_budget:
            groups.append([])
        groups[-1].append(length)
    return groups


@given(lengths=st.lists(st.integers(4, 90), min_size=1, max_size=40))
def test_batches_cost_no_more_than_full_ones(lengths: list[int]) -> None:
    budget = 500
    made = [
        [lengths[row] for row in rows]
        for rows in batches(np.array(lengths, np.int64), token_budget=budget)
    ]
    full = filled(lengths, budget)

    cost, of_full = (padded(groups) + len(groups) * budget / 25 for groups in (made, full))
    assert cost <= of_full + budget / 25  # a stretch of one length may end within a full batch


def test_a_short_text_is_not_padded_to_a_long_one() -> None:
    made = list(batches(np.array([200, 12, 11, 190]), token_budget=500))

    assert [rows.tolist() for rows in made] == [[2, 1], [3, 0]]


def test_texts_of_almost_one_length_share_a_batch() -> None:
    assert [rows.tolist() for rows in batches(np.array([11, 14, 12]), token_budget=500)] == [
        [0, 2, 1]
    ]


def test_of_no_rows_there_is_no_batch() -> None:
    assert list(batches(np.zeros(0, np.int64), token_budget=40)) == []


@given(some=st.lists(texts, min_size=2, max_size=6), start=st.integers(0, 4))
def test_a_part_of_a_batch_is_no_wider_than_it_needs(some: list[str], start: int) -> None:
    tokens = make_tokens()
    (batch,) = tokens.singles(tokens.ids(some), token_budget=9_999)
    which = slice(min(start, len(some) - 1), None)

    part = batch.take(which)

    assert part.rows.tolist() == batch.rows[which].tolist()
    assert part.ids.shape[1] == part.mask.sum(axis=1).max()
    for at, row in enumerate(part.rows):
        (whole,) = np.flatnonzero(batch.rows == row)
        assert part.ids[at][part.mask[at] == 1].tolist() == (
            batch.ids[whole][batch.mask[whole] == 1].tolist()
        )


@given(count=st.integers(1, 9), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_no_input_is_lost_when_batches_are_shared_out(count: int, sizes: list[int]) -> None:
    ends = np.cumsum(sizes)
    made = []
    for size, end in zip(sizes, ends.tolist(), strict=True):
        ones = np.ones((size, 3), np.int64)
        made.append(Batch(rows=np.arange(end - size, end), ids=ones, mask=ones, types=ones))

    parts = shared_out(made, count)

    assert np.concatenate([part.rows for part in parts]).tolist() == list(range(ends[-1]))
    assert len(parts) == max(len(sizes), min(count, int(ends[-1])))
