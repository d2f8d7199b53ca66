"""Keeps the scores of each domain, so that an interrupted run of a suite can continue.

The name of a domain's file has a digest of all that decides its scores: the models, the texts and
labels, and *nearest*. If any of them changes, another file is used.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from db.errors import InvalidInputError
from training.data.suites import Domain
from training.measure.scoring.stages import Stages, StageScores
from training.measure.suites.domains import Measured

_ARRAYS = ("labels", "members")


class Checkpoints:
    """A folder of measured domains."""

    def __init__(self, folder: Path, stages: Stages) -> None:
        """Raise `InvalidInputError` if the folder cannot be made."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInputError(f"{folder}: {error.strerror}") from error
        self._folder = folder
        matcher = stages.matcher
        self._models = (matcher.encoder.digest, matcher.reranker.digest)

    def kept(self, domain: Domain, nearest: int, measure: Callable[[], Measured]) -> Measured:
        """Return the kept scores of *domain*; without any, *measure* and keep them."""
        path = self._folder / f"{domain.name}-{self._digest(domain, nearest)}.npz"
        if (found := _read(path, domain)) is not None:
            return found
        measured = measure()
        _write(path, measured)
        return measured

    def _digest(self, domain: Domain, nearest: int) -> str:
        made_of = json.dumps([self._models, nearest, domain.label, asdict(domain)])
        return hashlib.sha256(made_of.encode()).hexdigest()[:16]


def _read(path: Path, domain: Domain) -> Measured | None:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):  # not there, or cut short
        return None
    same, arrays = int(held.pop("same")), {name: held.pop(name) for name in _ARRAYS}
    return Measured(domain=domain, scores=StageScores(**held), same=same, **arrays)


def _write(path: Path, measured: Measured) -> None:
    scores = {one.name: getattr(measured.scores, one.name) for one in fields(StageScores)}
    arrays = {name: getattr(measured, name) for name in _ARRAYS}
    half = path.with_suffix(f".{os.getpid()}.part")
    with half.open("wb") as stream:
        np.savez_compressed(stream, same=measured.same, **arrays, **scores)
    half.replace(path)  # whole or not at all
