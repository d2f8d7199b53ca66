"""Rewrites an ONNX graph to multiply in int8, with a scale for each token.

ONNX Runtime's own dynamic quantisation uses one scale for a whole batch. So a text's vector would
depend on the other texts of the batch, and one outlier would make every token less exact. Here the
scale of a token is its own largest magnitude, and the scale of a weight that of its column (Yao et
al., ZeroQuant, 2022). The table of word embeddings is half of a model's file; it is stored in int8
with one scale for each row.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_LEVELS = 127
_TINY = np.float32(1e-9)
_VOCABULARY = 4_096
"""Tables with at least so many rows are quantised: those of words, not those of positions."""
_CONSTANTS = {
    "int8.step": np.float32(1.0 / _LEVELS),
    "int8.middle": np.uint8(128),
    "int8.tiny": _TINY,
    "int8.last_axis": np.array([-1], np.int64),
}


def quantise(full: Path, path: Path) -> None:
    """Write the model in *full* to *path*, with products by constant weights in int8."""
    model = onnx.load(full)
    weights = {each.name: each for each in model.graph.initializer}
    nodes: list[NodeProto] = []
    kept = dict(weights)
    scaled: set[str] = set()
    for node in model.graph.node:
        if _is_vocabulary(node, weights):
            nodes.extend(_looked_up(node))
            kept |= {one.name: one for one in _rows(node.input[0], weights)}
            continue
        if not _is_product(node, weights):
            nodes.append(node)
            continue
        source, weight = node.input
        if source not in scaled:
            scaled.add(source)
            nodes.extend(_scaled(source))
        nodes.extend(_product(node))
        if f"{weight}.int8" not in kept:
            for tensor in _columns(weight, numpy_helper.to_array(weights[weight])):
                kept[tensor.name] = tensor
    constants = [numpy_helper.from_array(np.asarray(v), name) for name, v in _CONSTANTS.items()]
    _replace(model, nodes, [*kept.values(), *constants])
    onnx.save(model, path)


def _is_product(node: NodeProto, weights: dict[str, TensorProto]) -> bool:
    weight = weights.get(node.input[1]) if node.op_type == "MatMul" else None
    if weight is None or weight.data_type != TensorProto.FLOAT:
        return False
    return len(weight.dims) == len(("rows", "columns"))


def _is_vocabulary(node: NodeProto, weights: dict[str, TensorProto]) -> bool:
    table = weights.get(node.input[0]) if node.op_type == "Gather" else None
    if table is None or table.data_type != TensorProto.FLOAT or any(a.i for a in node.attribute):
        return False  # the only attribute is the axis; it must be the first
    return len(table.dims) == len(("rows", "columns")) and table.dims[0] >= _VOCABULARY


def _looked_up(node: NodeProto) -> Iterator[NodeProto]:
    (table, ids), (row,) = node.input, node.output
    yield helper.make_node("Gather", [f"{table}.int8", ids], [f"{row}.int8"])
    yield helper.make_node("Gather", [f"{table}.scale", ids], [f"{row}.scale"])
    yield helper.make_node("Cast", [f"{row}.int8"], [f"{row}.unscaled"], to=TensorProto.FLOAT)
    yield helper.make_node("Mul", [f"{row}.unscaled", f"{row}.scale"], [row])


def _rows(name: str, weights: dict[str, TensorProto]) -> Iterator[TensorProto]:
    table = numpy_helper.to_array(weights[name])
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), _TINY) / np.float32(_LEVELS)
    yield numpy_helper.from_array(np.rint(table / scale).astype(np.int8), f"{name}.int8")
    yield numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale")  # (rows, 1)


def _scaled(source: str) -> Iterator[NodeProto]:
    """Yield the nodes that divide each token of *source* by its peak and round it to 8 bits."""
    peak, unit, rounded = f"{source}.peak", f"{source}.unit", f"{source}.uint8"
    yield helper.make_node("Abs", [source], [f"{source}.abs"])
    yield helper.make_node("ReduceMax", [f"{source}.abs", "int8.last_axis"], [f"{source}.max"])
    yield helper.make_node("Max", [f"{source}.max", "int8.tiny"], [peak])
    yield helper.make_node("Div", [source, peak], [unit])
    yield helper.make_node("QuantizeLinear", [unit, "int8.step", "int8.middle"], [rounded])


def _product(node: NodeProto) -> Iterator[NodeProto]:
    source, weight = node.input
    unscaled = f"{node.output[0]}.unscaled"
    inputs = [f"{source}.uint8", f"{weight}.int8", "int8.step", f"{weight}.scale", "int8.middle"]
    yield helper.make_node("MatMulIntegerToFloat", inputs, [unscaled], domain="com.microsoft")
    yield helper.make_node("Mul", [unscaled, f"{source}.peak"], [node.output[0]])


def _columns(name: str, weight: NDArray[np.float32]) -> Iterator[TensorProto]:
    scale = np.maximum(np.abs(weight).max(axis=0), _TINY) / np.float32(_LEVELS)  # (columns,)
    rounded = np.rint(weight / scale).astype(np.int8)
    yield numpy_helper.from_array(rounded, f"{name}.int8")
    yield numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale")


def _replace(model: ModelProto, nodes: list[NodeProto], tensors: list[TensorProto]) -> None:
    used = {name for node in nodes for name in node.input}
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensor for tensor in tensors if tensor.name in used)
    del model.graph.value_info[:]
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
