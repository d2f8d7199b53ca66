"""What the parts of one worker share."""

from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from db.vectors.rows import ModelRow
from tests.integration.worker.live.test_pipeline import NoQueue
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.models import Models
from worker.resources import Resources
from worker.settings import WorkerSettings


def test_every_search_of_a_worker_uses_the_same_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    row: Any = ModelRow.__new__(ModelRow)
    models = Models(
        encoder=WordEncoder(), reranker=WordReranker(), bi_encoder=row, cross_encoder=row
    )
    monkeypatch.setattr(Resources, "models", lambda _: models)
    settings = WorkerSettings.model_validate({"redis_url": "redis://nowhere"})
    held = Resources(settings, sessionmaker(create_engine("postgresql+psycopg2://")), NoQueue())

    searchers = [part._searcher for part in (held.pipeline(), held.pipeline(), held.checker())]  # noqa: SLF001

    assert {id(one._memory) for one in searchers} == {id(held.memory)}  # noqa: SLF001
