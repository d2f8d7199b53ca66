"""What the units of an archive read."""

from typing import ClassVar

import numpy as np

from db.archives import blocks
from tests.integration.db.two_forums import DIMENSION, Calls, Side, TwoForums


def _compared(own: Side) -> blocks.Compared:
    return blocks.Compared(archive=own.archive, forum=own.id, model=own.bi_encoder.id, foreign=0.5)


class TestTwoForums(TwoForums):
    module = blocks
    calls: ClassVar[Calls] = {
        "id_ranges": lambda session, own: blocks.id_ranges(session, own.archive, step=2),
        "blocks": lambda session, own: blocks.blocks(session, _compared(own), step=2),
        "read_block": lambda session, own: blocks.read_block(
            session, _compared(own), low_id=0, high_id=8_000_000_000, dimension=DIMENSION
        ),
        "read_sample": lambda session, own: blocks.read_sample(
            session, _compared(own), count=1_000, dimension=DIMENSION
        ),
        "twins": lambda session, own: blocks.twins(session, own.archive, 0, 8_000_000_000),
        "unembedded": lambda session, own: blocks.unembedded(
            session, own.archive, own.bi_encoder.id, 0, 8_000_000_000
        ),
        "lengths": lambda session, own: blocks.lengths(
            session, np.array(own.questions), longest=100
        ),
        "unchecked": lambda session, own: blocks.unchecked(
            session, own.archive, own.bi_encoder.id, 0, 8_000_000_000
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"count_vectors"})
