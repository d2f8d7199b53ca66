"""What follows the last attention is done for the token that is used, and gives the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.shape_inference import infer_shapes

from worker.weights.selecting import select_early

WIDTH = 8
ASKED = np.random.default_rng(3).normal(size=(2, 5, WIDTH)).astype(np.float32)
ATTENTION = [
    helper.make_node("Transpose", ["asked"], ["turned"], perm=[0, 2, 1]),
    helper.make_node("MatMul", ["asked", "turned"], ["alike"]),
    helper.make_node("Softmax", ["alike"], ["weights"], axis=-1),
    helper.make_node("MatMul", ["weights", "asked"], ["attended"]),
]
LAYER = [
    helper.make_node("MatMul", ["attended", "square"], ["product"]),
    helper.make_node("Add", ["product", "bias"], ["linear"]),
    helper.make_node("Add", ["linear", "asked"], ["sum"]),
    helper.make_node("LayerNormalization", ["sum", "bias", "bias"], ["normal"], axis=-1),
    helper.make_node("Gelu", ["normal"], ["bent"]),
    helper.make_node("Add", ["bent", "normal"], ["out"]),
]


def model(*nodes: NodeProto) -> ModelProto:
    """Return a model of these nodes, with the shapes of its tensors."""
    random = np.random.default_rng(1)
    constants: dict[str, NDArray[Any]] = {
        "square": random.normal(size=(WIDTH, WIDTH)).astype(np.float32),
        "bias": random.normal(size=WIDTH).astype(np.float32),
        "places": random.normal(size=(5, WIDTH)).astype(np.float32),
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("asked", TensorProto.FLOAT, ["rows", "tokens", WIDTH])],
        [helper.make_tensor_value_info("made", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 20)]
    made: ModelProto = infer_shapes(helper.make_model(graph, opset_imports=opsets, ir_version=10))
    return made


def selected(source: str, index: str = "zero", axis: int = 1) -> NodeProto:
    return helper.make_node("Gather", [source, index], ["made"], axis=axis)


def run(made: ModelProto) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(["made"], {"asked": ASKED})[0], np.float32)


def gathers(graph: GraphProto) -> list[str]:
    return [node.input[0] for node in graph.node if node.op_type == "Gather"]


def test_only_the_first_token_passes_what_follows_the_attention() -> None:
    made = model(*ATTENTION, *LAYER, selected("out"))
    before = run(made)

    select_early(made.graph)

    assert gathers(made.graph) == ["attended", "asked", "out"]
    np.testing.assert_allclose(run(made), before, rtol=1e-5)


@pytest.mark.parametrize(
    "nodes",
    [
        [*LAYER, helper.make_node("ReduceMean", ["out"], ["made"])],
        [*LAYER, selected("out", "one")],
        [*LAYER, selected("out", axis=2)],
        [*LAYER, selected("out"), helper.make_node("Softmax", ["out"], ["other"], axis=1)],
        [helper.make_node("Add", ["attended", "places"], ["out"]), selected("out")],
        [helper.make_node("Softmax", ["attended"], ["out"], axis=1), selected("out")],
        [helper.make_node("MatMul", ["alike", "attended"], ["out"]), selected("out")],
    ],
    ids=["mean", "second token", "a number", "all are used", "places", "tokens mix", "product"],
)
def test_what_needs_more_than_the_first_token_stays(nodes: Sequence[NodeProto]) -> None:
    made = model(*ATTENTION, *nodes)
    before = made.SerializeToString()

    select_early(made.graph)

    assert made.SerializeToString() == before
