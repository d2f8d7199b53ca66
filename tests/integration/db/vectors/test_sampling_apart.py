"""A forum's sample holds its own questions, the same ones each time."""

from typing import ClassVar

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.vectors import sampling
from tests.integration.db.two_forums import Calls, TwoForums, make_two


class TestTwoForums(TwoForums):
    module = sampling
    calls: ClassVar[Calls] = {
        "sample": lambda session, own: sampling.sample(
            session, own.bi_encoder.id, own.id, limit=99
        ),
        "count": lambda session, own: sampling.count(session, own.bi_encoder.id, own.id),
        "cosines": lambda session, own: sampling.cosines(
            session, own.bi_encoder.id, own.questions, own.questions[::-1]
        ),
    }


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(session: Session) -> None:
    own = make_two(session).own

    def drawn(limit: int) -> list[int]:
        return sampling.sample(session, own.bi_encoder.id, own.id, limit=limit)

    assert sorted(drawn(99)) == sorted(own.questions)
    assert all(drawn(size) == drawn(99)[:size] for size in range(7))


def test_what_is_hidden_is_not_drawn_and_not_counted(session: Session) -> None:
    own = make_two(session).own
    hidden = own.questions[1]
    session.execute(
        text("UPDATE embeddings SET visible = false WHERE question_id = :id"), {"id": hidden}
    )

    found = sampling.sample(session, own.bi_encoder.id, own.id, limit=99)

    assert set(found) == set(own.questions) - {hidden}
    assert sampling.count(session, own.bi_encoder.id, own.id) == len(own.questions) - 1


def test_cosines_come_in_the_order_of_the_pairs_and_none_where_a_vector_lacks(
    session: Session,
) -> None:
    own = make_two(session).own
    first, second = own.questions[:2]  # (1, 0, 0, 0) and (1, 0.1, 0, 0)

    found = sampling.cosines(
        session, own.bi_encoder.id, [first, first, first], [second, 666_666, first]
    )

    assert found == [pytest.approx(1 / 1.01**0.5, abs=1e-3), None, pytest.approx(1, abs=1e-3)]
