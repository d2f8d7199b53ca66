"""A gate before the CrossEncoder: could this pair be flagged? It reads only the two vectors.

A cosine gives every component of the vectors the same weight. The gate is a small network of their
products, differences and sums, fitted on the CrossEncoder's scores of near pairs. It leaves out
about half of the near pairs that would not be flagged, at a thousandth of the cost. Pure.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from db.errors import UnreadableModelError

Weights = NDArray[np.float32]

GATE_FILE = "gate.npz"
_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gate:
    """A network for the vectors of one bi-encoder, and the score below which a pair is left out."""

    bi_encoder: str
    """Digest of the bi-encoder whose vectors the gate reads."""
    threshold: float
    """The lowest threshold that the gate was fitted for."""
    floor: float
    """The lowest cosine that the gate was fitted for: it reads pairs at or above it."""
    bar: float
    product: Weights  # (dim, hidden)
    difference: Weights  # (dim, hidden)
    total: Weights  # (dim, hidden)
    bias: Weights  # (hidden,)
    out: Weights  # (hidden,)

    def __post_init__(self) -> None:
        """Raise `ValueError` if the shapes of the weights do not fit."""
        shape = self.product.shape
        rows = (self.difference.shape, self.total.shape)
        if len(shape) != 2 or rows != (shape, shape):  # noqa: PLR2004  # a matrix
            raise ValueError("its matrices are of several shapes")
        if (self.bias.shape, self.out.shape) != (shape[1:], shape[1:]):
            raise ValueError("its layers are of two widths")

    @property
    def weights(self) -> tuple[Weights, ...]:
        """Return the weights in the order that `gate_scores` expects."""
        return self.product, self.difference, self.total, self.bias, self.out

    def is_for(self, bi_encoder: str, threshold: float) -> bool:
        """Return whether the gate may be used with this bi-encoder and *threshold*."""
        return bi_encoder == self.bi_encoder and threshold >= self.threshold

    def save(self, folder: Path) -> None:
        """Write the gate beside the weights in *folder*, its matrices in half precision.

        A gate for another bi-encoder in the same folder stays.
        """
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        halves = {
            name: values[name].astype(np.float16) for name in ("product", "difference", "total")
        }
        np.savez_compressed(_place(folder, self.bi_encoder), **values | halves)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the gate saved at *path*; raises `UnreadableModelError` if it cannot be used."""
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                return cls._of({name: file[name] for name in file.files})
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UnreadableModelError(path, f"not a gate: {error}") from error

    @classmethod
    def _of(cls, held: dict[str, NDArray[Any]]) -> Self:
        words: dict[str, Any] = {"bi_encoder": str(held.pop("bi_encoder"))}
        words |= {name: float(held.pop(name)) for name in ("threshold", "floor", "bar")}
        values: dict[str, Any] = {name: one.astype(np.float32) for name, one in held.items()}
        return cls(**words | values)


def load_gates(folder: Path) -> dict[str, Gate]:
    """Return the gates saved in *folder* by the digest of their bi-encoder.

    Raises `UnreadableModelError` if one of them cannot be used.
    """
    gates = [Gate.load(path) for path in sorted(folder.glob("gate*.npz"))]
    return {gate.bi_encoder: gate for gate in gates}


def _place(folder: Path, bi_encoder: str) -> Path:
    first = folder / GATE_FILE
    try:
        is_ours = not first.exists() or Gate.load(first).bi_encoder == bi_encoder
    except UnreadableModelError:
        is_ours = True
    return first if is_ours else folder / f"gate-{bi_encoder[:_DIGITS]}.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Leaves candidates out before the CrossEncoder reads them."""

    floor: float
    """Pairs with a lower cosine are left out."""
    gate: Gate | None = None

    @classmethod
    def of(
        cls, gate: Gate | None, *, cosine_floor: float, bi_encoder: str, threshold: float
    ) -> "Screen":
        """Return the gate with its own floor, or only *cosine_floor* if the gate may not be used.

        It may not be used with another bi-encoder, or with a *threshold* below the one that it was
        fitted for.
        """
        if gate is None or not gate.is_for(bi_encoder, threshold):
            return cls(floor=cosine_floor)
        return cls(floor=gate.floor, gate=gate)


def gate_scores(left: Any, right: Any, weights: Sequence[Any]) -> Any:
    """Return the scores of pairs of vectors, (n, dim) each, in NumPy or PyTorch.

    *weights* are `Gate.weights`, in the same library as the vectors.
    """
    product, difference, total, bias, out = weights
    inner = (left * right) @ product + abs(left - right) @ difference + (left + right) @ total
    return (inner + bias).clip(min=0) @ out
