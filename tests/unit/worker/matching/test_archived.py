"""The pairs of an archive: each belongs to one question, and the answers to a question count."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from db.pairs.rows import Finding
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.archived import GROUP, Reader, groups, score_many, whole_groups, with_owners
from worker.matching.findings import scored
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.scoring.calibration import Calibration, Rule
from worker.scoring.chance import Chance
from worker.scoring.fusion import Fusion
from worker.text.normal import Seen

OWNERS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 700)), max_size=6)


class CountingReranker(WordReranker):
    """Counts what it reads."""

    read = 0

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        self.read += len(pairs)
        return super().score(texts, pairs)


def matcher_of(*, weighs: bool = True) -> tuple[Matcher, CountingReranker]:
    """Return a model whose pairs have a chance of a half, and less if answers were below -2."""
    rule = Rule(
        fusion=Fusion(logit=1.0, overlap_logit=1e-6, bias=-1.0),
        chance=Chance(known=(0.0,) * 10, answers=(0.0, 0.0, 3.0, 0.0, 0.0)) if weighs else None,
    )
    reranker = CountingReranker(Calibration(rules={WordEncoder.digest: rule}, asymmetry=0.4))
    return Matcher.of(WordEncoder(), reranker), reranker


def crowd(seed: int = 1) -> tuple[Near, dict[int, Seen]]:
    """Return 60 questions, of which each is near to many earlier ones."""
    chance = np.random.default_rng(seed)
    words = [f"w{one}" for one in range(30)]
    titles = [" ".join(chance.choice(words, 5)) for _ in range(60)]
    late, early = np.tril_indices(60, -1)
    cosines = chance.random(len(late)).astype(np.float32)
    order = np.lexsort((-cosines, late))
    near = Near(late[order] + 100, early[order] + 100, cosines[order])
    return near, {n + 100: Seen(one, one) for n, one in enumerate(titles)}


def never() -> bool:
    return False


def by_pair(found: Sequence[Finding]) -> Mapping[tuple[int, int], float]:
    assert len({(one.question_id, one.candidate_id) for one in found}) == len(found)
    return {(one.question_id, one.candidate_id): one.score for one in found}


def test_a_pair_belongs_to_the_later_question() -> None:
    near = Near(np.array([1, 9]), np.array([5, 3]), np.array([0.5, 0.6], np.float32))

    assert with_owners(near).pairs.tolist() == [[5, 1], [9, 3]]


@given(OWNERS, st.integers(1, 900))
def test_no_group_is_divided_or_too_large(sizes: list[tuple[int, int]], size: int) -> None:
    owners = np.repeat([n for n, _ in enumerate(sizes)], [count for _, count in sizes])
    of = groups(owners.astype(np.int64))

    parts = [of[part].tolist() for part in whole_groups(of, size)]

    assert [one for part in parts for one in part] == of.tolist()
    assert len(of) == 0 or np.bincount(of).max() <= GROUP
    assert all(len(set(owners[of == one])) == 1 for one in set(of.tolist()))
    assert sum(len(set(part)) for part in parts) == len(set(of.tolist()))
    assert all(len(part) < size + GROUP for part in parts)


def test_without_a_chance_of_its_own_a_model_reads_every_pair_in_one_round() -> None:
    near, texts = crowd()
    matcher, _ = matcher_of(weighs=False)

    found = Reader(10**9, never)(matcher, near, texts)

    assert by_pair(found) == by_pair(scored(matcher, near, texts))
    assert len(found) == len(near)


def test_low_answers_spare_the_other_pairs_of_the_same_question_and_no_score_changes() -> None:
    near, texts = crowd()
    matcher, _ = matcher_of()

    found = by_pair(Reader(10**9, never)(matcher, near, texts))

    every = by_pair(scored(matcher, near, texts))
    assert 60 < len(found) < len(near) / 2
    assert all(every[pair] == score for pair, score in found.items())


def test_an_interrupted_unit_goes_on_with_what_it_knows_and_reads_the_same_pairs_once() -> None:
    near, texts = crowd()
    matcher, reranker = matcher_of()
    whole = by_pair(Reader(10**9, never)(matcher, near, texts))
    inputs, reranker.read = reranker.read, 0

    found: list[Finding] = []
    rest, turns = near, 0
    while len(rest):
        reader = Reader(300, lambda: True)
        found += reader(matcher, rest, texts)
        rest, turns = reader.rest, turns + 1

    assert by_pair(found) == whole
    assert reranker.read == inputs
    assert turns > 20


def test_pairs_of_questions_that_are_gone_are_left_out() -> None:
    near, texts = crowd()
    matcher, _ = matcher_of()
    del texts[120]

    found = Reader(10**9, never)(matcher, near, texts)

    assert found
    assert not any(120 in pair for pair in by_pair(found))
    assert Reader(10**9, never)(matcher, near, {}) == []


def test_mining_in_memory_reads_the_pairs_that_a_stored_archive_reads() -> None:
    near, texts = crowd()
    matcher, reranker = matcher_of()
    whole = by_pair(Reader(10**9, never)(matcher, near, texts))
    inputs = reranker.read
    told: list[int] = []
    shuffled = np.random.default_rng(2).permutation(len(near))
    places = replace(near, left=near.right - 100, right=near.left - 100).take(shuffled)

    scores, calls = score_many(matcher, list(texts.values()), places, on_done=told.append)

    read = {
        (int(late) + 100, int(early) + 100): float(score)
        for early, late, score in zip(places.left, places.right, scores, strict=True)
        if score
    }
    assert read == whole
    assert (calls, sum(told)) == (inputs, len(near))
