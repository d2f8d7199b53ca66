"""Two forums that each have one of everything, to show that neither sees nor changes the other.

The ids of the other forum's rows lie in a range of their own and its words hold a mark, so that
whatever of it comes back from a call, or is written by one, can be told by its look.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from types import ModuleType
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from db.actions import actions, settling, vetoes
from db.actions.vetoes import Source
from db.archives import archives, units
from db.archives.archives import Stage
from db.archives.units import NewUnit
from db.asking import outcomes
from db.asking.outcomes import AskerDid, NewOutcome
from db.connecting import connectors
from db.connecting.connectors import ConnectorKind, Wanted
from db.deciding import decisions
from db.deciding.decisions import Verdict
from db.errors import ServiceError
from db.outbox import deliveries, webhooks
from db.pairs import calibrations
from db.questions import saving
from db.review import attention
from db.rows import PairKind, PairStatus
from db.tables import Base
from db.tables.actions import Action
from db.tables.archives import ArchiveUnit
from db.tables.pairs import Pair
from db.tables.questions import Throughput
from db.tables.review import GroupMember, SecondOpinion
from db.tenants import keys, people
from db.tenants.people import PersonRow, Role
from db.tenants.rows import ForumRow, Learnt
from db.vectors import embeddings, models, partitions
from db.vectors.rows import ModelKind, ModelRow, NewEmbedding
from db.work.rows import Lane
from tests.rows.factories import make_forum, new_question

MARK = "stranger"
DIMENSION = 4
HOUR = timedelta(hours=1)
_OTHERS_IDS = 1_900_000_000
_OWN_IDS = 1_000_000
_OF_OTHER = re.compile(rf"(?<![\d.])19\d{{8}}\b|{MARK}")
_UNLIKE = re.compile(r"UUID\('[^']+'\)|\d{7,}")
"""Numbers that are new each time."""
_ABSENT: Mapping[type, object] = {int: 1_666_666_666, UUID: UUID(int=6), str: "nobody at all"}
_TITLES = ("boil an egg", "boil eggs", "egg boiling", "bake bread", "bake a loaf", "freeze soup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A forum, and one of everything that a forum can have."""

    forum: ForumRow
    questions: list[int]
    """Of the first three each pair is flagged but the first, which is confirmed."""
    confirmed: int
    flagged: int
    alone: int
    """A flagged pair that connects with no other."""
    refused: int
    group: int
    decision: int
    bulk: UUID
    opinion: int
    archive: int
    unit: int
    webhook: int
    delivery: int
    action: int
    key: str
    person: PersonRow
    sign_in: str
    calibration: int
    bi_encoder: ModelRow
    reranker: ModelRow

    @property
    def id(self) -> int:
        """Of the forum."""
        return self.forum.id

    @property
    def question(self) -> int:
        """Return a question that is in a group."""
        return self.questions[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """The forum that calls are made for, and the other one."""

    own: Side
    other: Side


Call = Callable[[Session, Side], object]
Calls = Mapping[str, Call]
"""By the function's name and, where it has several calls, a word: ``get: by its id``."""
Thing = Callable[[Side], object]
CrossedCall = Callable[[Session, Side, Any], object]
Crossed = Mapping[str, tuple[Thing, CrossedCall]]
"""Calls for one forum that name a thing of the other, each with that thing."""


def make_two(session: Session) -> Two:
    """Make both forums in the transaction of a test."""
    kinds = (ModelKind.BI_ENCODER, ModelKind.RERANKER)
    bi_encoder, reranker = (
        models.ensure_model(session, kind=kind, name=f"tiny {kind}", digest=kind, dimension=4)
        for kind in kinds
    )
    for model in (bi_encoder, reranker):
        models.activate(session, model.id)
    partitions.ensure_partition(session, bi_encoder)
    _count_from(session, _OTHERS_IDS)
    other = _make_side(session, MARK, bi_encoder, reranker)
    _count_from(session, _OWN_IDS)
    own = _make_side(session, "alpha", bi_encoder, reranker)
    _put_apart(session, other)
    return Two(own=own, other=other)


def _put_apart(session: Session, other: Side) -> None:
    """Put what the other forum has elsewhere in every order than what the own one has."""
    for statement in (
        "UPDATE groups SET updated_at = now() + interval '1 day' WHERE forum_id = :id",
        "UPDATE pairs SET score = 0.6, flagged_at = now() + interval '1 day' WHERE forum_id = :id",
    ):
        session.execute(text(statement), {"id": other.id})


def _count_from(session: Session, start: int) -> None:
    for place, name in enumerate(sorted(_tables_with_ids()), start=1):
        first = start + place * 10_000
        session.execute(text(f"ALTER TABLE {name} ALTER COLUMN id RESTART WITH {first}"))


def _tables_with_ids() -> list[str]:
    tables = Base.metadata.tables.items()
    return [name for name, table in tables if "id" in table.c and table.c.id.identity]


def _make_side(session: Session, mark: str, bi_encoder: ModelRow, reranker: ModelRow) -> Side:
    forum = make_forum(session, mark)
    items = [
        new_question(f"How do I {title}, {mark}?", external_id=f"q{n}")
        for n, title in enumerate(_TITLES, start=1)
    ]
    asked = [one.id for one in saving.save(session, forum, items, lane=Lane.LIVE)]
    _embed(session, forum, bi_encoder, asked)
    confirmed, flagged, _, alone, refused = (
        _flag(session, forum, (asked[low], asked[high]), (bi_encoder, reranker))
        for low, high in ((0, 1), (0, 2), (1, 2), (3, 4), (4, 5))
    )
    person = people.ensure_person(session, f"Ana {mark}")
    people.set_role(session, person.id, forum.id, Role.ADMIN)
    webhook = webhooks.create(
        session, forum.id, url=f"https://{mark}.example/", kinds=webhooks.KINDS
    )
    first = _say(session, forum, confirmed, PairStatus.DUPLICATE, mark)
    number = UUID(int=forum.id)
    _say(session, forum, refused, PairStatus.NOT_DUPLICATE, mark, bulk=number)
    attention.claim(session, forum.id, [alone], holder=f"Eve {mark}", lifetime=HOUR)
    attention.skip(session, forum.id, [flagged], holder=f"Ana {mark}")
    group = session.execute(
        select(GroupMember.group_id).where(GroupMember.question_id == asked[0])
    ).scalar_one()
    session.execute(
        insert(Throughput).values(forum_id=forum.id, lane="live", minute=text("now()"), done=3)
    )
    archive = archives.create(session, forum.id, name=f"of {mark}", form="csv", top_k=5)
    session.execute(
        text("UPDATE questions SET archive_id = :archive WHERE id = :id"),
        {"archive": archive.id, "id": asked[5]},
    )
    return Side(
        forum=forum,
        questions=asked,
        confirmed=confirmed,
        flagged=flagged,
        alone=alone,
        refused=refused,
        group=group,
        decision=first,
        bulk=number,
        opinion=_ask(session, forum, confirmed, first),
        archive=archive.id,
        unit=_plan(session, archive.id, asked),
        webhook=webhook.id,
        delivery=deliveries.send_test(session, forum.id, webhook.id).id,
        action=_act(session, forum, asked[0]),
        key=keys.create_key(session, name=f"of {mark}", forum_ids=[forum.id], scopes=["submit"]),
        person=people.get_person(session, person.name),
        sign_in=people.open_sign_in(session, person, lifetime=HOUR),
        calibration=_calibrate(session, forum, bi_encoder, reranker),
        bi_encoder=bi_encoder,
        reranker=reranker,
    )


def _embed(session: Session, forum: ForumRow, model: ModelRow, ids: Iterable[int]) -> None:
    rows = [
        NewEmbedding(
            question_id=one,
            forum_id=forum.id,
            text_digest=b"old",
            vector=np.array([1, place / 10, 0, 0], np.float32),
        )
        for place, one in enumerate(ids)
    ]
    embeddings.save(session, model.id, rows)


def _flag(
    session: Session, forum: ForumRow, edge: tuple[int, int], models: tuple[ModelRow, ModelRow]
) -> int:
    bi_encoder, reranker = models
    values = {
        "forum_id": forum.id,
        "low_id": edge[0],
        "high_id": edge[1],
        "kind": PairKind.MODEL,
        "cosine": 0.8,
        "score": 0.9,
        "threshold": 0.5,
        "low_text_version": 1,
        "high_text_version": 1,
        "status": PairStatus.FLAGGED,
        "bi_encoder_id": bi_encoder.id,
        "reranker_id": reranker.id,
    }
    return session.execute(insert(Pair).values(values).returning(Pair.id)).scalar_one()


def _say(
    session: Session,
    forum: ForumRow,
    pair_id: int,
    status: PairStatus,
    mark: str,
    *,
    bulk: UUID | None = None,
) -> int:
    verdict = Verdict(status=status, version=1, note=f"said in {mark}")
    actor = f"Ana {mark}"
    return decisions.decide(session, forum.id, pair_id, verdict, actor=actor, bulk=bulk).id


def _ask(session: Session, forum: ForumRow, pair_id: int, decision_id: int) -> int:
    # Which pairs are drawn is a matter of their ids: here the one decision is asked about for sure.
    session.execute(text("DELETE FROM second_opinions WHERE forum_id = :id"), {"id": forum.id})
    values = {"forum_id": forum.id, "pair_id": pair_id, "decision_id": decision_id}
    statement = insert(SecondOpinion).values(values).returning(SecondOpinion.id)
    return session.execute(statement).scalar_one()


def _act(session: Session, forum: ForumRow, asked: int) -> int:
    settling.settle(session, forum.id)
    check = NewOutcome(
        check_key=forum.name.encode(),
        outcome=AskerDid.SHOWN,
        candidate="q1",
        score=0.9,
    )
    outcomes.save(session, forum.id, check)
    vetoes.put(session, forum.id, asked, Source.EDIT, reason=f"of {forum.name}")
    reached = Wanted(
        kind=ConnectorKind.DISCOURSE, url=f"https://{forum.name}.example", api_key="k", paths={}
    )
    connectors.put(session, forum.id, reached)
    actions.note_unsettled(session, forum.id, [asked])
    found = select(Action.id).where(Action.forum_id == forum.id)
    return session.execute(found).scalar_one()


def _plan(session: Session, archive_id: int, asked: list[int]) -> int:
    unit = NewUnit(stage=Stage.SEARCH, size=5, low_id=asked[0], high_id=asked[-1], payload=b"x")
    units.plan(session, archive_id, [unit])
    planned = select(ArchiveUnit.id).where(ArchiveUnit.archive_id == archive_id)
    return session.execute(planned).scalar_one()


def _calibrate(session: Session, forum: ForumRow, bi: ModelRow, reranker: ModelRow) -> int:
    return calibrations.put_in_force(
        session, forum, learnt(bi, reranker), threshold=0.5, actor=f"Ana {forum.name}"
    ).id


def learnt(bi_encoder: ModelRow, reranker: ModelRow) -> Learnt:
    """Return a calibration that leaves scores nearly as they are."""
    return Learnt(
        reranker_id=reranker.id,
        bi_encoder_id=bi_encoder.id,
        slope=1.01,
        shift=0.0,
        duplicates=50,
        others=50,
        lowest=0.3,
        error_before=0.1,
        error_after=0.05,
        brier_before=0.1,
        brier_after=0.09,
    )


def rows_of_other(session: Session) -> frozenset[tuple[str, str]]:
    """Return every row of any table that names the other forum or anything of it."""
    session.flush()
    found = set()
    for name in Base.metadata.tables:
        rows = session.execute(text(f"SELECT t::text FROM {name} AS t")).scalars()  # noqa: S608
        found |= {(name, row) for row in rows if _OF_OTHER.search(row)}
    return frozenset(found)


def _walk(value: object) -> Iterable[str]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _walk(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for item in value.items():
            yield from _walk(item)
    elif isinstance(value, str | int | float | bytes | UUID) or value is None:
        yield str(value)
    elif isinstance(value, np.ndarray):
        yield from map(str, value.ravel().tolist())
    elif isinstance(value, Iterable):
        for item in value:
            yield from _walk(item)
    else:
        yield str(value)


def mentions_other(two: Two, value: object) -> bool:
    """Return whether a result names the other forum or anything of it."""
    return any(_OF_OTHER.search(one) or str(two.other.bulk) in one for one in _walk(value))


def _public_functions(module: ModuleType) -> set[str]:
    return {
        name
        for name, value in vars(module).items()
        if callable(value)
        and not isinstance(value, type)
        and not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
    }


@contextmanager
def _undone(session: Session) -> Iterator[None]:
    session.flush()
    savepoint = session.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()
        session.expire_all()


def _told(session: Session, two: Two, call: CrossedCall, number: object) -> str:
    """Return what a call answers about *number*, whatever that number is."""
    with _undone(session):
        before = rows_of_other(session)
        try:
            result = call(session, two.own, number)
            session.flush()
            assert not mentions_other(two, result), result
            said = f"{result}"
        except ServiceError as error:
            said = f"{type(error).__name__}: {error}"
            said = said.replace(repr(number), "ID")
        assert rows_of_other(session) == before
    return _UNLIKE.sub("ID", said.replace(str(number), "ID"))


class TwoForums:
    """The law for a module of queries; a test class of each module holds its calls."""

    module: ModuleType
    calls: ClassVar[Calls]
    crossed: ClassVar[Crossed] = {}
    service_wide: ClassVar[frozenset[str]] = frozenset()
    """Functions that are for all forums at once or for none."""

    def test_every_query_of_the_module_is_tried(self) -> None:
        tried = {name.split(":")[0] for name in self.calls}

        assert tried | self.service_wide == _public_functions(self.module)

    def test_a_call_for_one_forum_neither_shows_nor_changes_the_other(
        self, both: tuple[Session, Two], subtests: pytest.Subtests
    ) -> None:
        session, two = both
        before = rows_of_other(session)
        for name, call in self.calls.items():
            with subtests.test(name), _undone(session):
                result = call(session, two.own)

                assert not mentions_other(two, result), result
                assert rows_of_other(session) == before

    def test_what_is_anothers_is_answered_like_what_is_not_there(
        self, both: tuple[Session, Two], subtests: pytest.Subtests
    ) -> None:
        session, two = both
        for name, (thing, call) in self.crossed.items():
            with subtests.test(name):
                known = thing(two.other)
                absent = _ABSENT[type(known)]

                told = _told(session, two, call, known)

                assert told == _told(session, two, call, absent)
