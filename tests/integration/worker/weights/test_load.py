"""The real backends on real weights, and on tiny models of shapes that the shipped ones lack."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder, SentenceTransformer

from cli.sample import load_questions
from db.errors import IncompatibleModelError, ModelNotFoundError, UnreadableModelError
from db.vectors.rows import ModelKind
from tests.models.tiny_models import make_bert_encoder, make_reranker, make_roberta_encoder
from worker.inference.encoder import Encoder
from worker.inference.runner import InferenceError
from worker.inference.tokens import ModelSpec, Precision
from worker.weights import export as export_module
from worker.weights.digests import folder_digest
from worker.weights.load import (
    DEFAULT_ENCODER,
    MODEL_CACHE,
    load_encoder,
    load_reranker,
    model_folder,
)
from worker.weights.selecting import FIRST

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:# The axis name:UserWarning"
)

TEXTS = [
    "how do i fold a jacket",
    "what is the best way",
    "paint",
    "",
    "how do i paint a ladder in winter without tools",
    "how do i fold a jacket",
]
PAIRS = np.array([(0, 1), (1, 0), (4, 5), (2, 3), (0, 5), (3, 3)], np.int32)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The shipped model, exported once on each machine, as the service does it."""
    return load_encoder(DEFAULT_ENCODER, device="cpu", cache=MODEL_CACHE)


def test_a_model_says_what_it_runs_on(encoder: Encoder) -> None:
    assert getattr(encoder, "runs_on", "") == "cpu, ONNX Runtime int8"


@pytest.fixture(scope="module")
def tiny_reranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reranker(tmp_path_factory.mktemp("tiny") / "reranker")


here = pytest.mark.usefixtures("exported_here")


def reference(folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
    model = SentenceTransformer(str(folder), device="cpu")
    return np.asarray(model.encode(list(texts), normalize_embeddings=True), np.float32)


def test_int8_vectors_agree_with_fp32(encoder: Encoder) -> None:
    texts = [str(question["title"]) for question in load_questions()[:100]]

    vectors = encoder.encode(texts)

    cosines = (vectors * reference(model_folder(DEFAULT_ENCODER), texts)).sum(axis=1)
    assert vectors.shape == (100, encoder.dimension) == (100, 384)
    assert cosines.mean() >= 0.997
    assert cosines.min() >= 0.99
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(100), abs=1e-5)


def test_a_vector_does_not_depend_on_the_texts_beside_it(encoder: Encoder) -> None:
    texts = ["Why is the sky blue?", "How do I learn to cook rice well, quickly and cheaply?", "Hi"]

    together = encoder.encode(texts)

    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert (together * alone).sum(axis=1).min() > 0.9999


def test_no_text_gives_no_vector(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimension)


@pytest.mark.parametrize("text", ["", "\0", "\ud800\udfff", "why " * 50_000, "\U0001f600" * 900])
def test_no_text_breaks_the_model(encoder: Encoder, text: str) -> None:
    assert np.isfinite(encoder.encode([text])).all()


def test_a_worker_on_a_cpu_never_loads_pytorch(encoder: Encoder) -> None:
    code = (
        "import sys; from worker.weights.load import MODEL_CACHE, load_encoder;"
        f"load_encoder({encoder.name!r}, device='cpu', cache=MODEL_CACHE).encode(['why']);"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@here
def test_other_poolings_give_unit_vectors_that_agree(tmp_path: Path, cache: Path) -> None:
    folder = make_bert_encoder(tmp_path, pooling="cls")

    vectors = load_encoder(str(folder), device="cpu", cache=cache).encode(TEXTS)

    assert (vectors * reference(folder, TEXTS)).sum(axis=1).min() > 0.97


@here
def test_a_roberta_model_without_type_ids_agrees(tmp_path: Path, cache: Path) -> None:
    folder = make_roberta_encoder(tmp_path)

    vectors = load_encoder(str(folder), device="cpu", cache=cache).encode(TEXTS)

    assert (vectors * reference(folder, TEXTS)).sum(axis=1).min() > 0.97


@here
def test_logits_come_in_the_order_of_the_pairs(tiny_reranker: Path, cache: Path) -> None:
    reranker = load_reranker(str(tiny_reranker), device="cpu", cache=cache)

    logits = reranker.score(TEXTS, PAIRS)

    stock = CrossEncoder(str(tiny_reranker), device="cpu")
    probabilities = stock.predict([(TEXTS[one], TEXTS[other]) for one, other in PAIRS])
    assert 1.0 / (1.0 + np.exp(-logits)) == pytest.approx(np.asarray(probabilities), abs=0.05)
    assert np.ptp(np.asarray(probabilities)) > 0.1
    assert reranker.score(TEXTS, PAIRS[:0]).shape == (0,)


@here
def test_after_the_last_attention_an_export_works_on_the_first_token_only(
    tiny_reranker: Path, cache: Path
) -> None:
    reranker = load_reranker(str(tiny_reranker), device="cpu", cache=cache)

    graph = onnx.load(export_module.ready_folder(reranker.digest, cache) / "model.onnx").graph

    made_of = {name: node for node in graph.node for name in node.output}
    early = [made_of[node.input[0]].op_type for node in graph.node if FIRST in node.input]
    assert sorted(early) == ["LayerNormalization", "Reshape"], "the residual and the attention"


@here
def test_a_reranker_of_several_labels_is_refused(tmp_path: Path, cache: Path) -> None:
    folder = make_reranker(tmp_path, labels=3)

    with pytest.raises(IncompatibleModelError, match="3 labels"):
        load_reranker(str(folder), device="cpu", cache=cache)


@here
def test_a_folder_of_something_else_is_refused(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    with pytest.raises(UnreadableModelError):
        load_encoder(str(tmp_path), device="cpu", cache=cache)


def test_an_unknown_name_is_not_found(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)

    with pytest.raises(ModelNotFoundError, match="nobody/nothing"):
        load_encoder("nobody/nothing", device="cpu", cache=cache)


@here
def test_two_workers_that_start_at_once_export_once(
    tiny_reranker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports: list[Path] = []
    real = export_module._exporting_apart  # noqa: SLF001

    @contextmanager
    def counted(kind: ModelKind, folder: Path, made: Path) -> Iterator[None]:
        exports.append(made)
        with real(kind, folder, made):
            yield

    monkeypatch.setattr(export_module, "_exporting_apart", counted)
    digest = folder_digest(tiny_reranker)

    with ThreadPoolExecutor() as pool:
        ready = [
            pool.submit(
                export_module.exported,
                ModelKind.RERANKER,
                tiny_reranker,
                digest=digest,
                cache=tmp_path / "cache",
            )
            for _ in range(2)
        ]

    assert ready[0].result() == ready[1].result()
    assert len(exports) == 1


def test_a_bad_int8_export_is_refused_for_fp32(
    tiny_reranker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker.inference.torch_backend import read  # noqa: PLC0415  # loads PyTorch

    monkeypatch.setattr("worker.weights.quantise.quantise", _write_noise)

    export_module.export(read(ModelKind.RERANKER, tiny_reranker), tmp_path / "made")

    assert ModelSpec.load(tmp_path / "made").precision is Precision.FP32


def test_an_export_that_never_agrees_is_refused(
    tiny_reranker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker.inference.torch_backend import read  # noqa: PLC0415  # loads PyTorch

    monkeypatch.setattr(export_module, "agrees", lambda *_: False)

    with pytest.raises(IncompatibleModelError, match="does not agree"):
        export_module.export(read(ModelKind.RERANKER, tiny_reranker), tmp_path / "made")


def test_a_model_that_cannot_be_exported_runs_by_pytorch(
    tiny_reranker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Path:
        raise IncompatibleModelError("no such operator")

    monkeypatch.setattr("worker.weights.load.exported", refuse)

    reranker = load_reranker(str(tiny_reranker), device="cpu", cache=tmp_path)

    stock = CrossEncoder(str(tiny_reranker), device="cpu")
    probabilities = stock.predict([(TEXTS[one], TEXTS[other]) for one, other in PAIRS])
    logits = reranker.score(TEXTS, PAIRS)
    assert 1.0 / (1.0 + np.exp(-logits)) == pytest.approx(np.asarray(probabilities), abs=1e-4)


@here
def test_numbers_that_are_not_finite_are_an_error(tiny_reranker: Path, cache: Path) -> None:
    reranker = load_reranker(str(tiny_reranker), device="cpu", cache=cache)
    reranker._runner.run = lambda batches: np.full(len(batches[0].rows), np.nan, np.float32)  # type: ignore[attr-defined]  # noqa: SLF001

    with pytest.raises(InferenceError, match="not finite"):
        reranker.score(TEXTS, PAIRS[:1])


@pytest.mark.gpu
def test_a_gpu_agrees_with_fp32(tmp_path: Path, tiny_reranker: Path) -> None:
    texts = [str(question["title"]) for question in load_questions()]

    vectors = load_encoder(DEFAULT_ENCODER, device="auto", cache=tmp_path).encode(texts)
    logits = load_reranker(str(tiny_reranker), device="cuda", cache=tmp_path).score(TEXTS, PAIRS)

    fp32 = reference(model_folder(DEFAULT_ENCODER), texts)
    stock = CrossEncoder(str(tiny_reranker), device="cpu")
    probabilities = stock.predict([(TEXTS[one], TEXTS[other]) for one, other in PAIRS])
    assert (vectors * fp32).sum(axis=1).min() > 0.999
    assert 1.0 / (1.0 + np.exp(-logits)) == pytest.approx(np.asarray(probabilities), abs=0.01)
    assert not list(tmp_path.glob("*-int8-*"))  # nothing was exported for the CPU


def _write_noise(full: Path, path: Path) -> None:
    import onnx  # noqa: PLC0415  # only here

    model = onnx.load(full)
    for weights in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.ndim > 1:
            noise = np.random.default_rng(1).normal(size=values.shape).astype(values.dtype)
            weights.CopyFrom(onnx.numpy_helper.from_array(noise, weights.name))
    onnx.save(model, path)
