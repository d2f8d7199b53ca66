from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from worker.weights.quantise import quantise

ROWS, WIDTH = 5_000, 16
IDS = np.array([[0, 7, 4_999], [7, 7, 1]])


def write(path: Path, table: NDArray[np.float32]) -> None:
    """Write a model that looks rows up in *table* and multiplies them with itself, transposed."""
    product = numpy_helper.from_array(table[:WIDTH].T.copy(), "product")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "ids"], ["rows"]),
            helper.make_node("MatMul", ["rows", "product"], ["made"]),
        ],
        "one",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [None, None])],
        [helper.make_tensor_value_info("made", TensorProto.FLOAT, [None, None, WIDTH])],
        [numpy_helper.from_array(table, "table"), product],
    )
    opsets = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


def run(path: Path) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"ids": IDS})[0], np.float32)


def test_a_vocabulary_in_a_quarter_of_the_bytes_gives_nearly_the_same(tmp_path: Path) -> None:
    table = np.random.default_rng(1).normal(size=(ROWS, WIDTH)).astype(np.float32)
    table[7] *= 100  # a row's scale is its own: one outlier makes no other row less exact
    write(tmp_path / "full.onnx", table)

    quantise(tmp_path / "full.onnx", tmp_path / "small.onnx")

    full, small = run(tmp_path / "full.onnx"), run(tmp_path / "small.onnx")
    norms = np.linalg.norm(full, axis=-1) * np.linalg.norm(small, axis=-1)
    assert ((full * small).sum(axis=-1) / norms).min() > 0.999
    sizes = [(tmp_path / name).stat().st_size for name in ("small.onnx", "full.onnx")]
    assert sizes[0] < 0.4 * sizes[1]
