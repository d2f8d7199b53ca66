"""A forum's own calibration."""

from typing import ClassVar

from db.pairs import calibrations
from tests.integration.db.two_forums import Calls, TwoForums, learnt


class TestTwoForums(TwoForums):
    module = calibrations
    calls: ClassVar[Calls] = {
        "decided": lambda session, own: calibrations.decided(
            session, own.id, reranker_id=own.reranker.id, bi_encoder_id=own.bi_encoder.id
        ),
        "versions": lambda session, own: calibrations.versions(session, own.id),
        "foresee": lambda session, own: calibrations.foresee(
            session, own.forum, learnt(own.bi_encoder, own.reranker), threshold=0.95
        ),
        "put_in_force": lambda session, own: calibrations.put_in_force(
            session, own.forum, learnt(own.bi_encoder, own.reranker), threshold=0.95, actor="ana"
        ),
        "take_back": lambda session, own: calibrations.take_back(
            session, own.forum, threshold=0.95, actor="ana"
        ),
        "lock": lambda session, own: calibrations.lock(session, own.forum.name),
    }
