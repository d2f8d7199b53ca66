"""What each part of a file gave."""

from typing import ClassVar

import numpy as np
from sqlalchemy.orm import Session

from db.archives import archives
from db.imports import loading, parts
from db.imports.incoming import Incoming
from db.imports.parts import KnownPart
from db.questions import questions
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum, new_question

PART = KnownPart(stored_digest=b"stored", odd=[1, 70_000])


class TestTwoForums(TwoForums):
    module = parts
    service_wide: ClassVar[frozenset[str]] = frozenset({"digest_of"})
    calls: ClassVar[Calls] = {
        "earlier": lambda session, own: parts.earlier(session, own.archive),
        "note": lambda session, own: parts.note(session, own.archive, b"digest", PART),
        "find_unchanged": lambda session, own: parts.find_unchanged(
            session, own.id, ["q1"], PART, text_fields="title"
        ),
        "forget_earlier": lambda session, own: parts.forget_earlier(session, own.archive),
    }


def test_parts_are_known_to_later_archives_of_the_name_alone(session: Session) -> None:
    forum, other = make_forum(session), make_forum(session, "other")
    first, later, elsewhere = (
        archives.create(session, one.id, name="old", form="csv", top_k=5)
        for one in (forum, forum, other)
    )
    named = archives.create(session, forum.id, name="another", form="csv", top_k=5)
    parts.note(session, first.id, b"digest", PART)

    known = parts.earlier(session, later.id)

    assert known == {b"digest": PART}
    assert not parts.earlier(session, elsewhere.id)
    assert not parts.earlier(session, named.id)
    parts.forget_earlier(session, later.id)
    assert not parts.earlier(session, later.id)


def test_stored_questions_are_unchanged_if_each_is_as_it_was(session: Session) -> None:
    forum = make_forum(session)
    archive = archives.create(session, forum.id, name="old", form="csv", top_k=5)
    items = [new_question(f'Why "{n}"?', external_id=f'a "{n}\\') for n in range(3)]
    loading.load(session, forum, archive.id, items)
    part = KnownPart(stored_digest=parts.digest_of(Incoming.of(items)), odd=())
    names = [item.external_id for item in items]

    ids = parts.find_unchanged(session, forum.id, names, part, text_fields="title")

    assert ids is not None
    assert len(ids) == 3
    for more, fields in ((["gone"], "title"), ([], "title_body")):
        assert (
            parts.find_unchanged(session, forum.id, [*names, *more], part, text_fields=fields)
            is None
        )
    loading.load(session, forum, archive.id, [new_question("Edited?", external_id=names[0])])
    assert parts.find_unchanged(session, forum.id, names, part, text_fields="title") is None


def _known(session: Session, later: int) -> list[bool]:
    """Return for each known part whether its questions are known too, by its digest."""
    found = parts.earlier(session, later)
    return [found[digest].question_ids is not None for digest in sorted(found)]


def test_a_part_knows_its_questions_until_one_is_written_or_gone(session: Session) -> None:
    forum = make_forum(session)
    first = archives.create(session, forum.id, name="old", form="csv", top_k=5)
    for digest in (b"0", b"1"):
        items = [new_question("Why?", external_id=f"{digest!r} {n}") for n in range(3)]
        ids = loading.load(session, forum, first.id, items).question_ids
        known = KnownPart(stored_digest=b"stored", odd=(), question_ids=ids)
        parts.note(session, first.id, digest, known)
    later = archives.create(session, forum.id, name="old", form="csv", top_k=5)

    assert _known(session, later.id) == [True, True]
    found = parts.earlier(session, later.id)[b"1"].question_ids
    assert found is not None
    assert found.tolist() == ids.tolist()
    loading.load(session, forum, later.id, [new_question("New?", external_id="b'1' 2")])
    assert _known(session, later.id) == [True, False]
    questions.erase(session, forum.id, "b'0' 0", actor="x")
    assert _known(session, later.id) == [False, False]


def test_questions_that_lie_far_apart_are_looked_up_by_name(session: Session) -> None:
    forum = make_forum(session)
    first = archives.create(session, forum.id, name="old", form="csv", top_k=5)
    ids = loading.load(session, forum, first.id, [new_question("Why?")]).question_ids
    far = np.array([int(ids[0]) - 1_000, *ids])
    for digest, held in ((b"0", ids), (b"1", far)):
        known = KnownPart(stored_digest=b"stored", odd=(), question_ids=held)
        parts.note(session, first.id, digest, known)
    later = archives.create(session, forum.id, name="old", form="csv", top_k=5)

    assert _known(session, later.id) == [False, False]
