"""A gate before the CrossEncoder: whether a pair could be flagged, told from two vectors alone.

A cosine weighs every component of the vectors alike. The gate has a weight for each product and for
each difference of two components, fitted on what the CrossEncoder itself said of near pairs, so it
leaves out many that are near for another reason than asking the same. Pure.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from db.errors import UnreadableModelError

GATE_FILE = "gate.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Weights for the vectors of one bi-encoder, and the score below which a pair is left out."""

    bi_encoder: str
    """Digest of the bi-encoder whose vectors it reads."""
    threshold: float
    """Lowest probability to flag at that it was fitted for."""
    product: tuple[float, ...]
    difference: tuple[float, ...]
    bar: float

    def is_for(self, bi_encoder: str, threshold: float) -> bool:
        """Return whether it may be used with that bi-encoder where *threshold* flags."""
        return bi_encoder == self.bi_encoder and threshold >= self.threshold

    def save(self, folder: Path) -> None:
        """Write the gate beside the weights in *folder*."""
        (folder / GATE_FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Return the gate saved in *folder*, None where there is none.

        Raises `UnreadableModelError` when the file is there and cannot be used.
        """
        path = folder / GATE_FILE
        if not path.exists():
            return None
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            product, difference = _weights(data.pop("product")), _weights(data.pop("difference"))
            gate = cls(product=product, difference=difference, **data)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableModelError(path, f"not a gate: {error}") from error
        if len(product) != len(difference):
            raise UnreadableModelError(path, "not a gate: its weights are of two lengths")
        return gate


def gate_scores(left: Any, right: Any, product: Any, difference: Any) -> Any:
    """Return the scores of pairs of vectors, (n, dim) each: of NumPy or of PyTorch, as they come.

    *product* and *difference* are the weights, (dim,).
    """
    return (left * right) @ product + abs(left - right) @ difference


def _weights(values: list[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
