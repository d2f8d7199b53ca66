"""Every recipe from files to a folder, on a model of two small layers made here."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer

from db.errors import IncompatibleModelError, InvalidInputError
from tests.models.tiny_recipes import config, duplicates, make_base, pairs
from training.data.pairs import LabelledPair, write_pairs
from training.data.splits import LeakError
from training.measure.evaluate import Scored, compare
from training.measure.figures.metrics import Floats
from training.measure.scoring.scores import cosines, full_precision, raw_scores
from training.recipes import cross_encoder, runs
from training.recipes.averaging import average
from training.recipes.distill import Teacher
from training.recipes.losses import SymmetricBinaryCrossEntropyLoss
from training.recipes.sentence_transformer import (
    Objective,
    SentenceTransformerConfig,
    datasets,
    triplets,
)
from worker.inference.encoder import Encoder
from worker.scoring.calibration import Calibration

torch.set_num_threads(1)  # tiny models: threads only wait for each other

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_base(tmp_path_factory.mktemp("base"))


class _Letters:
    """An `Encoder` that counts letters: deterministic, and near for near texts."""

    name = "letters"
    digest = "digest-of-letters"
    dimension = 26

    def encode(self, texts: Sequence[str]) -> Floats:
        counts = np.array(
            [
                [text.lower().count(chr(97 + letter)) + 0.01 for letter in range(26)]
                for text in texts
            ],
            np.float32,
        )
        norms = np.linalg.norm(counts, axis=1, keepdims=True)
        return np.asarray(counts / norms, np.float32)


@pytest.fixture
def encoder() -> Encoder:
    return _Letters()


@pytest.fixture
def data(tmp_path: Path) -> runs.Data:
    path = tmp_path / "pairs.jsonl"
    write_pairs(path, pairs())
    found = runs.load_data(path, None, seed=2)
    # A tenth of a hundred and twenty pairs is too few to halve: share them out more evenly.
    parts = runs.dev_halves(pairs(), seed=7)
    return runs.Data(
        train=parts["calibrate"], dev=parts["report"], sources=found.sources, notes=found.notes
    )


def test_a_cross_encoder_run_leaves_a_model_the_service_can_serve(
    base: str, data: runs.Data, encoder: Encoder, tmp_path: Path
) -> None:
    output = tmp_path / "run"

    figures = runs.train_cross_encoder(config(base), data, output=output, encoder=encoder)

    assert {"README.md", "run.json", "metrics.json", "reliability.svg", "training.svg"} <= {
        path.name for path in output.iterdir()
    }
    model = CrossEncoder(str(output / "model"), device="cpu")
    assert model.dtype == torch.float16
    assert not (output / "model" / "README.md").exists()
    calibration = Calibration.load(output / "model")
    assert set(calibration.rules) == {encoder.digest}
    assert calibration.reads == "title"
    assert figures["reranker"]["average_precision"] > figures["reranker"]["base_rate"]
    assert json.loads((output / "metrics.json").read_text()) == json.loads(json.dumps(figures))
    run = json.loads((output / "run.json").read_text())
    assert run["seed"] == 1
    assert run["pairs_a_step"] == 8
    step, reached = run["history"][0]
    assert f"| {8 * step:,} | {step:,} | {reached:.4f} |" in (output / "README.md").read_text()
    assert run["history"]
    assert run["data"] == dict(data.sources)


def test_a_sentence_transformer_learns_from_both_objectives(
    base: str, data: runs.Data, tmp_path: Path
) -> None:
    chosen = SentenceTransformerConfig(
        base=base,
        objective=Objective.BOTH,
        epochs=3.0,
        batch_size=8,
        learning_rate=3e-3,
        max_length=48,
        bf16=False,
        evaluations=2,
        negatives_between=(-1.0, 0.999),
    )

    figures = runs.train_sentence_transformer(chosen, data, output=tmp_path / "run")

    assert figures["after"]["average_precision"] >= figures["before"]["average_precision"]
    card = (tmp_path / "run" / "README.md").read_text()
    assert "recall@10" in card
    assert "dev-mining_average_precision" in card
    assert SentenceTransformer(str(tmp_path / "run" / "model")).get_embedding_dimension() == 32


def test_an_epoch_of_both_objectives_sees_every_row_of_each(
    base: str, data: runs.Data, tmp_path: Path
) -> None:
    chosen = SentenceTransformerConfig(
        base=base, objective=Objective.BOTH, batch_size=8, bf16=False, evaluations=1
    )
    few = [pair for pair in data.train if pair.label == 1.0][:10]
    uneven = [*few, *(pair for pair in data.train if pair.label == 0.0)]
    model = SentenceTransformer(base, device="cpu")
    rows = {name: len(part) for name, part in datasets(model, chosen, uneven).items()}

    runs.train_sentence_transformer(chosen, replace(data, train=uneven), output=tmp_path / "run")

    steps = json.loads((tmp_path / "run" / "run.json").read_text())["history"][-1][0]
    assert rows["contrastive"] > 2 * rows["ranking"]
    assert steps == sum(-(-count // 8) for count in rows.values())


def test_the_negative_of_a_duplicate_is_the_closest_other_question(base: str) -> None:
    chosen = SentenceTransformerConfig(base=base, negatives_between=(-1.0, 0.999))
    model = SentenceTransformer(base, device="cpu")
    known = duplicates()[:20]

    found = triplets(model, chosen, known)

    texts = sorted({text for pair in known for text in (pair.question1, pair.question2)})
    vectors = dict(zip(texts, model.encode(texts, normalize_embeddings=True), strict=True))
    assert len(found) == 20
    for row in found:
        others = [text for text in texts if text not in {row["anchor"], row["positive"]}]
        cosines = {text: float(vectors[row["anchor"]] @ vectors[text]) for text in others}
        near = {text: cosine for text, cosine in cosines.items() if cosine <= 0.999}
        assert near[row["negative"]] == pytest.approx(max(near.values()), abs=1e-5)


@pytest.mark.parametrize("objective", [Objective.RANKING, Objective.CONTRASTIVE])
def test_each_objective_trains_alone(
    base: str, data: runs.Data, tmp_path: Path, objective: Objective
) -> None:
    chosen = SentenceTransformerConfig(
        base=base, objective=objective, epochs=0.5, batch_size=8, bf16=False, evaluations=1
    )

    assert runs.train_sentence_transformer(chosen, data, output=tmp_path / "run")


def test_a_teacher_labels_close_pairs_between_nought_and_one(base: str) -> None:
    teacher = Teacher(base, pairs())
    texts = sorted({text for pair in pairs() for text in (pair.question1, pair.question2)})

    found = teacher.label(texts, wanted=30, seed=1)

    assert 0 < len(found) <= 30
    assert all(0.0 <= pair.label <= 1.0 for pair in found)
    assert found == teacher.label(texts, wanted=30, seed=1)


def test_the_loss_pulls_the_two_orders_of_a_pair_together(base: str) -> None:
    model = cross_encoder.load_base(config(base))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(6)  # fresh weights are so small that order hardly counts
    first, second = [pair.question1 for pair in pairs()[:8]], [p.question2 for p in pairs()[:8]]
    labels = torch.full((8,), 0.5)

    torch.manual_seed(0)
    without = SymmetricBinaryCrossEntropyLoss(model, both_orders=1.0, symmetry=0.0)
    plain = without([first, second], labels)
    torch.manual_seed(0)
    pulled = SymmetricBinaryCrossEntropyLoss(model, both_orders=1.0, symmetry=1.0)
    both = pulled([first, second], labels)

    scores = model.predict(
        [*zip(first, second, strict=True), *zip(second, first, strict=True)],
        activation_fn=torch.nn.Identity(),
    )
    gap = float(np.square(scores[:8] - scores[8:]).mean())
    assert gap > 1e-5
    assert float(both - plain) == pytest.approx(gap, rel=0.01)


def test_a_teacher_orders_pairs_that_are_all_unlikely(base: str) -> None:
    model = cross_encoder.load_base(config(base))
    taught = SymmetricBinaryCrossEntropyLoss(model, both_orders=0.0, symmetry=0.0)
    same = [["How do I whistle?"], ["How can one whistle?"]]

    one_in_a_hundred, one_in_a_thousand = (
        float(taught(same, torch.tensor([label])).detach()) for label in (0.01, 0.001)
    )

    assert one_in_a_thousand - one_in_a_hundred == pytest.approx(0.5 * np.log(10), rel=0.02)


def test_an_average_lies_between_the_models_it_is_made_of(base: str, tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("other", 2)):
        torch.manual_seed(seed)
        runs.save_reranker(cross_encoder.load_base(config(base)), tmp_path / name)
    one, other = str(tmp_path / "one"), str(tmp_path / "other")

    mean = average([one, other], [0.75, 0.25])

    states = [CrossEncoder(folder, device="cpu").float().state_dict() for folder in (one, other)]
    for name, value in mean.state_dict().items():
        torch.testing.assert_close(value, 0.75 * states[0][name] + 0.25 * states[1][name])


def test_shares_that_do_not_fit_the_models_are_refused(base: str) -> None:
    with pytest.raises(IncompatibleModelError, match="adding up to 1"):
        average([base], [0.5])


def test_layers_near_the_input_learn_slower(base: str) -> None:
    model = cross_encoder.load_base(config(base, train_word_embeddings=False))

    groups = cross_encoder.parameter_groups(
        model, learning_rate=1.0, layer_decay=0.5, weight_decay=0.1
    )

    rates = {float(str(group["lr"])) for group in groups}
    assert rates == {1.0, 0.5, 0.25, 0.125}
    params = [group["params"] for group in groups]
    count = sum(len(part) for part in params if isinstance(part, list))
    assert count == sum(p.requires_grad for p in model.parameters())
    assert count < len(list(model.parameters()))


def test_both_orders_are_scored_and_in_the_order_of_the_pairs(
    base: str, encoder: Encoder, tmp_path: Path
) -> None:
    model = cross_encoder.load_base(config(base))
    runs.save_reranker(model, tmp_path)
    some = pairs()[:10]
    turned = [LabelledPair(p.question2, p.question1, p.label) for p in some]

    raw = raw_scores(some, reranker=full_precision(tmp_path), encoder=encoder)
    back = raw_scores(turned, reranker=full_precision(tmp_path), encoder=encoder)

    np.testing.assert_allclose(raw.forward, back.backward, atol=1e-5)
    np.testing.assert_allclose(raw.cosine, cosines(turned, encoder), atol=1e-6)
    assert not np.allclose(raw.forward, raw.backward, atol=1e-5)


def test_a_comparison_finds_the_better_model_and_the_pairs_in_dispute() -> None:
    rows = pairs()
    labels = np.array([pair.label for pair in rows], np.float32)
    noise = np.random.default_rng(1).random(len(rows)).astype(np.float32)
    sure = labels.copy()
    sure[3] = 1.0  # one pair it has wrong

    found = compare(
        Scored(name="noise", scores=noise),
        Scored(name="sure", scores=sure, asymmetry=0.0),
        rows,
        samples=50,
        shown=3,
    )

    assert found.difference.low > 0
    assert found.summaries[1]["average_precision"] > 0.95
    assert "calibration_error" not in found.summaries[0]
    assert len(found.disagreements) == 3


def test_a_weight_makes_both_labels_count_alike() -> None:
    rows = [*duplicates()[:2], *(pair for pair in pairs() if pair.label == 0.0)][:8]
    taught = [LabelledPair("How do I whistle?", "How can one whistle?", 0.7)] * 5

    assert cross_encoder.balanced_pos_weight([*rows, *taught]) == 3.0
    with pytest.raises(InvalidInputError, match="labels of 0 and of 1"):
        cross_encoder.balanced_pos_weight([*duplicates(), *taught])


def one_label() -> list[tuple[str, list[LabelledPair]]]:
    same = duplicates()
    different = [LabelledPair(pair.question1, pair.question2, 0.0) for pair in same]
    return [
        ("holds only duplicates", same),
        ("holds only pairs that are no duplicates", different),
    ]


@pytest.mark.parametrize(("message", "rows"), one_label())
def test_one_label_alone_is_a_clear_error(
    tmp_path: Path, message: str, rows: list[LabelledPair]
) -> None:
    path = tmp_path / "pairs.jsonl"
    write_pairs(path, rows)

    with pytest.raises(InvalidInputError, match=message):
        runs.load_data(path, None, seed=1)


def test_a_question_in_both_files_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    write_pairs(path, pairs())
    dev = tmp_path / "dev.jsonl"
    shutil.copy(path, dev)

    with pytest.raises(LeakError):
        runs.load_data(path, dev, seed=1)
