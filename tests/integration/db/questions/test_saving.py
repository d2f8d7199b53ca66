"""Questions saved."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.errors import TransientError
from db.questions import erasures, saving
from db.questions.rows import Facts, NewQuestion, Outcome
from db.tables.questions import Job, Question
from db.tenants import forums
from db.work.rows import Lane
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import new_question


class TestTwoForums(TwoForums):
    module = saving
    calls: ClassVar[Calls] = {
        "save": lambda session, own: saving.save(
            session,
            own.forum,
            [new_question("What is new?", external_id=name) for name in ("q1", "new")],
            lane=Lane.LIVE,
        ),
        "save_in_parts": lambda session, own: saving.save_in_parts(
            session,
            own.forum,
            [[new_question("What is new?", external_id=name)] for name in ("new", "q1")],
            lane=Lane.LIVE,
        ),
        "put": lambda session, own: saving.put(
            session, own.forum, new_question("What is new?", external_id="new"), lane=Lane.LIVE
        ),
        "create": lambda session, own: saving.create(
            session,
            own.forum,
            [new_question("What is new?", external_id=name) for name in ("new", "q1", "newer")],
            lane=Lane.LIVE,
        ),
        "edit": lambda session, own: saving.edit(
            session, own.forum, new_question("What is new?", external_id="q1"), lane=Lane.LIVE
        ),
        "put: an edit": lambda session, own: saving.put(
            session, own.forum, new_question("What is new?", external_id="q1"), lane=Lane.LIVE
        ),
    }


def asked(*names: str, title: str = "What is new?") -> list[NewQuestion]:
    return [new_question(f"{title} {name}", external_id=name) for name in names]


def outcomes(session: Session, parts: Iterable[Sequence[NewQuestion]]) -> dict[str, Outcome]:
    forum = forums.ensure_forum(session, "cooks")
    done = saving.save_in_parts(session, forum, parts, lane=Lane.LIVE)
    return {one.external_id: one.outcome for one in done}


def test_parts_are_saved_like_the_whole(session: Session) -> None:
    forum = forums.ensure_forum(session, "cooks")
    saving.save(session, forum, asked("b", "c"), lane=Lane.LIVE)
    erasures.note(session, forum.id, "e", edited_at=datetime(2026, 5, 2, tzinfo=UTC))
    (late,) = asked("e")
    late = replace(late, edited_at=datetime(2026, 5, 1, tzinfo=UTC))

    found = outcomes(session, [asked("a", "b"), asked("c", title="Changed?"), [*asked("d"), late]])

    assert found == {
        "a": Outcome.CREATED, "b": Outcome.UNCHANGED, "c": Outcome.CHANGED, "d": Outcome.CREATED,
        "e": Outcome.OLDER,
    }  # fmt: skip
    names = session.execute(select(Question.external_id).order_by(Question.external_id))
    assert list(names.scalars()) == ["a", "b", "c", "d"]
    assert session.execute(select(func.count()).select_from(Job)).scalar_one() == 4


def test_no_part_and_an_empty_one_save_nothing(session: Session) -> None:
    assert outcomes(session, []) == {}
    assert outcomes(session, [[], []]) == {}


def test_each_value_arrives_as_it_was_sent(session: Session) -> None:
    odd = "Is \"NULL\" {a,b} \\ 'x' 100% %(so)s \n\t ünï 🥚?"
    (full,), (bare,) = asked("full"), asked("bare")
    moment = datetime(2026, 5, 1, 10, 30, 0, 123456, tzinfo=UTC)
    full = replace(
        full, title=odd, body=odd, url="https://a.example/?q=1,2", category="", author="NULL",
        asked_at=moment, visible=False, edited_at=moment, revision=7, read_title=odd,
        read_body="", foreign_share=0.25, tokens=9, facts=Facts(tags=(odd,), votes=-3),
    )  # fmt: skip

    outcomes(session, [[bare, full]])

    stored = session.execute(select(Question).where(Question.external_id == "full")).scalar_one()
    names = ("title", "body", "url", "category", "author", "asked_at", "visible", "edited_at",
        "revision", "read_title", "read_body", "foreign_share")  # fmt: skip
    assert {name: getattr(stored, name) for name in names} == {
        name: getattr(full, name) for name in names
    }
    assert (stored.text_digest, stored.content_digest) == (full.text_digest, full.content_digest)
    assert stored.facts == {"tags": [odd], "votes": -3}
    assert session.execute(select(Job.tokens).where(Job.question_id == stored.id)).scalar() == 9
    plain = session.execute(select(Question).where(Question.external_id == "bare")).scalar_one()
    assert (plain.url, plain.author, plain.facts, plain.revision) == (None, None, None, None)


def test_a_part_is_stored_beside_the_making_of_the_next(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    making, storing = [], []
    newer = erasures.newer

    def noting(*given: Any) -> set[str]:
        storing.append(threading.current_thread())
        return newer(*given)

    def parts() -> Iterator[list[NewQuestion]]:
        for name in ("a", "b"):
            making.append(threading.current_thread())
            yield asked(name)

    monkeypatch.setattr(erasures, "newer", noting)

    assert outcomes(session, parts()) == {"a": Outcome.CREATED, "b": Outcome.CREATED}
    assert set(making) == {threading.current_thread()}
    assert len(storing) == 2
    assert set(storing).isdisjoint(making)


def test_an_error_while_a_part_is_made_leaves_the_session_to_its_owner(session: Session) -> None:
    def parts() -> Iterator[list[NewQuestion]]:
        yield asked("a")
        raise TransientError("no more")

    with pytest.raises(TransientError, match="no more"):
        outcomes(session, parts())

    assert session.execute(select(func.count()).select_from(Question)).scalar_one() == 1
