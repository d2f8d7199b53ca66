"""A forum's own calibration."""

from typing import ClassVar

from sqlalchemy import update
from sqlalchemy.orm import Session

from db.asking import outcomes
from db.asking.outcomes import AskerDid, NewOutcome
from db.pairs import calibrations
from db.tables.pairs import Pair
from tests.integration.db.two_forums import Calls, TwoForums, learnt, make_two


class TestTwoForums(TwoForums):
    module = calibrations
    calls: ClassVar[Calls] = {
        "decided": lambda session, own: calibrations.decided(
            session, own.id, reranker_id=own.reranker.id, bi_encoder_id=own.bi_encoder.id
        ),
        "said_different": lambda session, own: calibrations.said_different(
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


def test_an_asker_who_posted_a_question_that_differs_says_so_about_the_pair(
    session: Session,
) -> None:
    own = make_two(session).own
    models = {"reranker_id": own.reranker.id, "bi_encoder_id": own.bi_encoder.id}
    session.execute(update(Pair).where(Pair.id == own.flagged).values(raw_score=0.625))
    for outcome, candidate, asked in (
        (AskerDid.SHOWN, "q1", None),
        (AskerDid.DIFFERENT, "q1", None),
        (AskerDid.POSTED, None, "q3"),
    ):
        score = 0.6 if candidate else None
        did = NewOutcome(
            check_key=b"c", outcome=outcome, candidate=candidate, asked_as=asked, score=score
        )
        assert calibrations.said_different(session, own.id, **models) == []
        outcomes.save(session, own.id, did)

    assert calibrations.said_different(session, own.id, **models) == [0.625]
