import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from db.errors import InvalidInputError
from training.data.pairs import LabelledPair
from training.data.suites import Domain, MiningDomain, PairsDomain
from training.measure.figures.metrics import average_precision
from training.measure.scoring.stages import Stages
from training.measure.suites.domains import STAGES, Measured, figures, measure
from training.measure.suites.languages import is_other, languages_of, named
from training.measure.suites.left_out import leave_one_out
from training.measure.suites.suite import SuiteFigures, measure_suite
from training.measure.suites.suite_report import (
    as_json,
    as_markdown,
    cautions,
    require_suffix,
    write_report,
)
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.matcher import Matcher
from worker.scoring.calibration import Calibration
from worker.scoring.fusion import Fusion

WORDS = ("bread", "boots", "maps", "clocks", "walls", "ladders", "jackets", "kites")
CALIBRATION = Calibration(
    bi_encoder=WordEncoder.digest,
    fusion=Fusion(logit=1.0, cosine=4.0, bias=-4.0),
    threshold=0.6,
    cosine_floor=0.3,
)


def pairs_domain(name: str, *, flip: int = 0) -> PairsDomain:
    """Pairs of which those with more words in common are the same, but for every *flip*-th."""
    pairs = []
    for place in range(120):
        word, other = WORDS[place % 8], WORDS[(place + 3) % 8]
        label = float(place % 2)
        second = f"where to buy {word} {place}" if label else f"how does one sell {other} {place}"
        wrong = flip and place % flip == 0
        pairs.append(
            LabelledPair(f"how to buy {word} {place}", second, 1 - label if wrong else label)
        )
    return PairsDomain(name=name, pairs=pairs)


def mining_domain(name: str) -> MiningDomain:
    titles = [f"{ask} {word} {word}" for word in WORDS for ask in ("how to", "where to")]
    return MiningDomain(
        name=name, titles=titles, bodies=[""] * 16, groups=[place // 2 for place in range(16)]
    )


@pytest.fixture
def stages() -> Stages:
    return Stages(Matcher.of(WordEncoder(), WordReranker(CALIBRATION)))


def test_pairs_have_every_stage_with_its_interval_and_the_flags_precision(stages: Stages) -> None:
    measured = measure(pairs_domain("things"), stages)
    decision = stages.decide(measured.scores)

    found = figures(measured, decision, samples=50)

    assert tuple(found.average_precision) == STAGES
    for one in found.average_precision.values():
        assert 0 <= one.low <= one.value <= one.high <= 1
    right = measured.labels[decision.flagged].sum()
    assert found.precision == pytest.approx(right / decision.flagged.sum())
    assert found.recall == pytest.approx(right / 60)
    assert (found.pairs, found.same, found.threshold) == (120, 60, 0.6)
    assert found.asymmetry > 0


def test_a_domain_where_nothing_is_flagged_has_no_precision() -> None:
    never = Stages(Matcher.of(WordEncoder(), WordReranker(CALIBRATION), threshold=1.0))
    measured = measure(pairs_domain("things"), never)

    found = figures(measured, never.decide(measured.scores), samples=20)

    assert (found.flagged, found.precision, found.recall) == (0, None, 0.0)


def test_a_mining_set_is_measured_against_all_that_are_the_same(stages: Stages) -> None:
    whole = measure(mining_domain("things"), stages)
    few = measure(mining_domain("things"), stages, nearest=12)

    assert (whole.same, few.same) == (8, 8)
    assert len(few.labels) == 12
    assert whole.labels.sum() == 8
    for one in (whole, few):
        found = figures(one, stages.decide(one.scores), samples=20)
        among_them = average_precision(one.labels, one.scores.cosine_whole)
        expected = among_them * one.labels.sum() / 8
        assert found.average_precision["cosine_whole"].value == pytest.approx(expected)


def test_bodies_bring_up_pairs_of_their_own(stages: Stages) -> None:
    bare = mining_domain("things")
    bodies = [f"my {word} {word} {word} {word}" for word in WORDS for _ in range(2)]
    with_bodies = MiningDomain(name="things", titles=bare.titles, bodies=bodies, groups=bare.groups)

    found = measure(with_bodies, stages, nearest=10)

    assert len(found.labels) > 10
    assert len({tuple(pair) for pair in found.members.tolist()}) == len(found.labels)


def measured_of(domains: Sequence[Domain], stages: Stages) -> list[Measured]:
    return [measure(domain, stages) for domain in domains]


def test_a_domain_left_out_does_not_change_its_own_calibration(stages: Stages) -> None:
    others = [pairs_domain("a"), pairs_domain("b")]
    honest, false = (measured_of([*others, one], stages) for one in LIARS)

    first, second = (leave_one_out(one) for one in (honest, false))

    assert first[2] == second[2]
    assert first[0] != second[0]


LIARS = (pairs_domain("c"), pairs_domain("c", flip=2))


def test_a_mining_set_is_not_decided_by_the_pairs_of_its_own_name(stages: Stages) -> None:
    domains: list[Domain] = [pairs_domain("a"), pairs_domain("b", flip=5), mining_domain("b")]

    found = leave_one_out(measured_of(domains, stages))

    assert found[1] == found[2]
    assert found[0] != found[1]


def test_each_domain_counts_alike_in_a_calibration_whatever_its_size(stages: Stages) -> None:
    small, large = pairs_domain("a", flip=5), pairs_domain("b", flip=4)
    doubled = PairsDomain(name="b", pairs=[*large.pairs, *large.pairs])
    asked = pairs_domain("c")

    once, twice = (
        leave_one_out(measured_of([small, one, asked], stages))[2].fusion
        for one in (large, doubled)
    )

    assert once.cosine == pytest.approx(twice.cosine, rel=0.02)
    assert once.bias == pytest.approx(twice.bias, rel=0.02)


def test_one_domain_alone_cannot_be_left_out(stages: Stages) -> None:
    with pytest.raises(InvalidInputError, match="no domain but things has labelled pairs"):
        leave_one_out(measured_of([pairs_domain("things")], stages))


@pytest.fixture
def found(stages: Stages) -> SuiteFigures:
    domains: list[Domain] = [
        pairs_domain("shop"),
        pairs_domain("work", flip=6),
        mining_domain("shop"),
    ]
    return measure_suite(domains, stages, is_left_out=True, samples=20)


def test_a_suite_has_a_row_for_each_domain_and_means_of_its_stages(found: SuiteFigures) -> None:
    assert [(one.name, one.is_mining) for one in found.domains] == [
        ("shop", False),
        ("work", False),
        ("shop", True),
    ]
    values = [one.average_precision["served"].value for one in found.domains]
    assert found.means["pairs"]["served"] == pytest.approx(np.mean(values[:2]))
    assert found.means["mining"]["served"] == pytest.approx(values[2])


def test_the_report_says_the_same_in_words_and_in_json(found: SuiteFigures, tmp_path: Path) -> None:
    for path in (tmp_path / "a.md", tmp_path / "a.json"):
        require_suffix(path)
        write_report(found, path)

    text, data = as_markdown(found), json.loads(as_json(found))
    assert (tmp_path / "a.md").read_text() == text
    assert "rule that was fitted on the other domains alone" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({row.count("|") for row in rows}) == 1
    for one in data["domains"]:
        assert f"{one['average_precision']['served']['value']:.3f}" in text
    assert data["means"] == found.means


RUSSIAN = [
    LabelledPair("Как изменить пароль?", "Как мне сменить пароль?", 1.0),
    LabelledPair("Где найти счёт за март?", "Почему не включается компьютер?", 0.0),
]
GERMAN = [
    LabelledPair("Wie kann ich mein Passwort ändern?", "Wie ändere ich das Kennwort?", 1.0),
    LabelledPair("Wo finde ich die Rechnung vom März?", "Warum startet der Rechner nicht?", 0.0),
]


@pytest.mark.parametrize("is_left_out", [False, True])
def test_a_domain_in_another_language_is_named_with_what_its_score_is(*, is_left_out: bool) -> None:
    blind = replace(CALIBRATION, fusion=replace(CALIBRATION.fusion, unknown_script=0.0))
    stages = Stages(Matcher.of(WordEncoder(), WordReranker(blind)))
    domains = [pairs_domain("a"), pairs_domain("b"), PairsDomain(name="c", pairs=RUSSIAN)]

    found = measure_suite(domains, stages, is_left_out=is_left_out, samples=20)

    assert [is_other(one.languages) for one in found.domains] == [False, False, True]
    _, line = cautions(found)
    assert "c is not in English (ru 100 %)" in line
    assert "made of the cosine alone" in line
    assert line in as_markdown(found)
    assert json.loads(as_json(found))["domains"][2]["languages"] == {"ru": 1.0}
    ranked = found.domains[2].average_precision
    assert ranked["served"] == ranked["cosine_whole"]


def test_a_language_in_latin_letters_is_named_and_scored_as_english(stages: Stages) -> None:
    found = measure_suite([PairsDomain(name="c", pairs=GERMAN)], stages, samples=20)

    few, line = cautions(found)
    assert few.startswith("c: only 1 pair is the same and 1 not")
    assert "(de 100 %)" in line
    assert "made as for English" in line


def test_shares_of_languages_add_up_and_small_ones_are_not_shown() -> None:
    english = pairs_domain("a").pairs
    languages = languages_of(PairsDomain(name="c", pairs=[*english, *RUSSIAN]))

    assert sum(languages.values()) == pytest.approx(1)
    assert set(languages) == {"en", "ru"}
    assert named(languages) == "en"
    assert named({"en": 0.6, "ru": 0.4}) == "en 60 %, ru 40 %"


def test_a_report_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"must end in \.md or \.json"):
        require_suffix(tmp_path / "report.html")
