import numpy as np
import pytest

from training.measure.figures.across import WEIGHTS, LabelledScores, fit_rule, rankings
from worker.scoring.calibration import Rule
from worker.scoring.traits import Traits


def domain(
    seed: int, *, rows: int = 600, share: float = 0.4, reads: float = 1.0, bodies: bool = False
) -> LabelledScores:
    """Pairs whose logit is right where their words are the same; bodies lower every cosine."""
    choice = np.random.default_rng(seed)
    labels = (choice.random(rows) < share).astype(np.int64)
    overlap = choice.random(rows).astype(np.float32)
    told = 3.0 * reads * overlap * (2 * labels - 1)
    cosine = 0.6 + 0.1 * labels - 0.1 * bodies + choice.normal(0, 0.1, rows)
    return LabelledScores(
        logit=(told + choice.normal(0, 1, rows)).astype(np.float32),
        cosine=cosine.astype(np.float32),
        traits=Traits(overlap=overlap, bodies=np.full(rows, float(bodies), np.float32)),
        labels=labels,
    )


def rule_of(*domains: LabelledScores) -> Rule:
    return fit_rule(domains, np.stack([rankings(one) for one in domains]))


def test_a_logit_that_knows_more_where_words_are_shared_counts_more_there() -> None:
    rule = rule_of(domain(1), domain(2))

    assert rule.fusion.overlap_logit > 3 * rule.fusion.logit
    assert rule.fusion.cosine > 0


def test_a_logit_that_knows_nothing_counts_nothing_or_little() -> None:
    good, noise = rule_of(domain(1), domain(2)), rule_of(domain(1, reads=0), domain(2, reads=0))

    share = [rule.fusion.overlap_logit / rule.fusion.cosine for rule in (good, noise)]
    assert share[1] < share[0] / 2


def test_probabilities_and_the_threshold_hold_over_domains_that_count_alike() -> None:
    domains = [domain(1, rows=2_000, share=0.2), domain(2, rows=200, share=0.6)]

    rule = rule_of(*domains)

    promised, came, right = [], [], []
    for one in domains:
        probability = rule.fusion.probability(one.logit, one.cosine, one.traits)
        flagged = probability >= rule.threshold
        promised.append(probability.mean())
        came.append(one.labels.mean())
        right.append((one.labels[flagged].sum() / len(one.labels), flagged.mean()))
    assert np.mean(promised) == pytest.approx(np.mean(came), abs=0.01)
    hits, flags = np.array(right).mean(axis=0)
    assert hits / flags == pytest.approx(0.8, abs=0.02)


def test_two_bodies_make_up_for_what_they_take_from_the_cosine() -> None:
    rule = rule_of(domain(1), domain(2), domain(3, bodies=True), domain(4, bodies=True, share=0.1))

    assert rule.fusion.bodies / rule.fusion.cosine == pytest.approx(0.1, abs=0.03)


def test_without_bodies_there_is_no_shift() -> None:
    assert rule_of(domain(1), domain(2)).fusion.bodies == 0.0


def test_a_rule_does_not_depend_on_the_order_or_size_of_domains() -> None:
    first, second = domain(1), domain(2, share=0.2)
    doubled = LabelledScores.joined([second, second])

    rules = [rule_of(first, second), rule_of(second, first), rule_of(first, doubled)]

    for rule in rules[1:]:
        assert rule.fusion.cosine == pytest.approx(rules[0].fusion.cosine, rel=0.01)
        assert rule.threshold == pytest.approx(rules[0].threshold, abs=0.01)


def test_no_weight_of_the_grid_is_negative() -> None:
    assert np.array(WEIGHTS).min() == 0.0
