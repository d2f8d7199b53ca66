"""Selects a model's first token before the work on all tokens of which only the first is used.

A CrossEncoder's logit comes from the first token of its last layer. The attention of that layer
needs all tokens, but what follows changes each token alone, and is three quarters of a layer. So it
is only done for the first token: an eighth of a model with six layers is saved, and the logits are
the same.
"""

from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, helper, numpy_helper

_EACH_ALONE = frozenset({"Add", "Gelu", "LayerNormalization", "Mul", "Tanh"})
"""Operations that change each token alone if their constants have no tokens; so do products."""
_RANK = len(("rows", "tokens", "width"))
_TOKENS = 1
FIRST = "first.token"
"""The name of the constant that selects it."""


def select_early_in(path: Path) -> None:
    """Change the model in the file *path* as `select_early` does."""
    model = onnx.load(path)
    select_early(model.graph)
    onnx.save(model, path)


def select_early(graph: GraphProto) -> None:
    """Change *graph* so that a first token, selected at its end, is selected as early as possible.

    The shapes of its tensors must be known. Any other graph stays as it is.
    """
    shapes = _Shapes.of(graph)
    early = _early(graph, shapes)
    if early:
        nodes = list(_selected(graph, early, shapes))
        del graph.node[:]
        graph.node.extend(nodes)
        del graph.value_info[:]
        graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.int64), FIRST))


@dataclass(frozen=True, slots=True)
class _Shapes:
    """The constants and the tensors with tokens of a graph, by name."""

    constants: dict[str, int]
    """The number of their axes."""
    zeros: AbstractSet[str]
    """The constants that are one zero."""
    with_tokens: AbstractSet[str]

    @classmethod
    def of(cls, graph: GraphProto) -> Self:
        arrays = {one.name: one for one in graph.initializer}
        shaped = [*graph.input, *graph.value_info]
        return cls(
            {name: len(one.dims) for name, one in arrays.items()},
            {n for n, a in arrays.items() if not a.dims and not numpy_helper.to_array(a).any()},
            {v.name for v in shaped if len(v.type.tensor_type.shape.dim) == _RANK},
        )

    def is_each_alone(self, node: NodeProto) -> bool:
        """Return whether *node* changes each token without the others."""
        if node.op_type == "MatMul":
            is_layer = self.constants.get(node.input[1]) == len(("in", "out"))
            return is_layer and node.input[0] in self.with_tokens
        given = [name for name in node.input if self.constants.get(name, _RANK) > 1]
        return node.op_type in _EACH_ALONE and set(given) <= self.with_tokens

    def is_selection(self, node: NodeProto) -> bool:
        """Return whether *node* takes the first token of each row."""
        is_gather = node.op_type == "Gather" and any(a.i == _TOKENS for a in node.attribute)
        return is_gather and node.input[0] in self.with_tokens and node.input[1] in self.zeros


def _early(graph: GraphProto, shapes: _Shapes) -> AbstractSet[str]:
    """Return the tensors, by name, of which nothing but the first token is ever used."""
    users: dict[str, list[NodeProto]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            users[name].append(node)
    early: set[str] = set()
    for node in reversed(graph.node):
        used_by = users[node.output[0]]
        of_first = all(one.output[0] in early or shapes.is_selection(one) for one in used_by)
        if used_by and of_first and shapes.is_each_alone(node):
            early.add(node.output[0])
    return early


def _selected(graph: GraphProto, early: AbstractSet[str], shapes: _Shapes) -> Iterator[NodeProto]:
    """Yield the nodes; those of *early* get the first token of what has all tokens."""
    made: set[str] = set()
    for node in graph.node:
        if node.output[0] in early:
            for place, name in enumerate(node.input):
                if name in early or name in shapes.constants:
                    continue
                node.input[place] = first = f"{name}.first"
                if first not in made:
                    made.add(first)
                    yield helper.make_node("Gather", [name, FIRST], [first], axis=_TOKENS)
        yield node
