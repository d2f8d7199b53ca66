"""Pairs of questions."""

from dataclasses import replace
from operator import attrgetter
from typing import ClassVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.pairs import pairs
from db.pairs.rows import Finding
from db.rows import PairKind, Provenance
from db.tables.pairs import Pair
from db.tables.questions import Question
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums, make_two


def _findings(own: Side, candidate: int) -> list[Finding]:
    return [
        Finding(question_id=own.question, candidate_id=candidate, kind=PairKind.MODEL, score=score)
        for score in (0.99, 0.1)
    ]


def _read(own: Side) -> dict[int, int]:
    return dict.fromkeys(own.questions, 1)


def _provenance(own: Side) -> Provenance:
    return Provenance(
        bi_encoder_id=own.bi_encoder.id,
        reranker_id=own.reranker.id,
        threshold=0.5,
        observe_only=False,
        calibration_id=own.calibration,
    )


class TestTwoForums(TwoForums):
    module = pairs
    calls: ClassVar[Calls] = {
        "save_findings": lambda session, own: pairs.save_findings(
            session, own.id, _findings(own, own.questions[5]), _provenance(own), read=_read(own)
        ),
        "duplicates": lambda session, own: pairs.duplicates(session, own.question),
    }
    crossed: ClassVar[Crossed] = {
        "save_findings": (
            attrgetter("question"),
            lambda session, own, thing: pairs.save_findings(
                session, own.id, _findings(own, thing), _provenance(own), read=_read(own)
            ),
        ),
    }


def test_a_finding_about_a_text_that_has_changed_since_is_left_out(session: Session) -> None:
    own = make_two(session).own
    found, said = _findings(own, own.questions[5])[:1], _provenance(own)

    for stale in (own.question, own.questions[5]):
        read = _read(own) | {stale: 0}
        assert pairs.save_findings(session, own.id, found, said, read=read) == 0

    assert pairs.save_findings(session, own.id, found, said, read=_read(own)) == 1


def test_a_withdrawn_pair_has_the_score_of_the_text_that_stands(session: Session) -> None:
    own = make_two(session).own
    other, said = own.questions[5], _provenance(own)
    over, below = _findings(own, other)
    ends = {own.question, other}

    def save(finding: Finding, version: int) -> tuple[int, int, float]:
        session.execute(update(Question).where(Question.id.in_(ends)).values(text_version=version))
        read = dict.fromkeys(ends, version)
        told = pairs.save_findings(session, own.id, [finding], said, read=read)
        row = session.execute(
            select(Pair.high_text_version, Pair.score).where(
                Pair.low_id == min(ends), Pair.high_id == max(ends)
            )
        ).one()
        return told, row.high_text_version, round(row.score, 2)

    assert save(over, 1) == (1, 1, 0.99)
    assert save(below, 2) == (1, 2, 0.1)
    assert save(replace(below, score=0.3), 2) == (0, 2, 0.1)
    assert save(replace(below, score=0.3), 3) == (0, 3, 0.3)
