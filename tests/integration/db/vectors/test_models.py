"""Models that several workers add at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

from db.vectors import models, partitions
from db.vectors.rows import ModelKind
from tests.rows.archive_factories import make_models
from tests.servers.api_service import Factory

TOGETHER = 6


def test_workers_that_first_start_together_wait_for_each_other_in_one_order(
    committed: Factory,
) -> None:
    together = threading.Barrier(TOGETHER)

    def begin(_: int) -> int:
        together.wait()
        return make_models(committed).bi_encoder.id

    with ThreadPoolExecutor(TOGETHER) as pool:
        found = set(pool.map(begin, range(TOGETHER)))

    with committed.begin() as session:
        known = models.list_models(session)
        assert found == {models.find_active(session, ModelKind.BI_ENCODER).id}  # type: ignore[union-attr]
        assert partitions.is_valid(session, *found) is None
    assert [model.kind for model in known] == [ModelKind.BI_ENCODER, ModelKind.RERANKER]
