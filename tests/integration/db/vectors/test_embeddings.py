"""Vectors on their way into Postgres and out again."""

import threading

import numpy as np
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from db.tables.questions import Embedding, Question
from db.vectors import embeddings, models, partitions
from db.vectors.rows import ModelKind, ModelRow, NewEmbedding
from tests.rows.factories import make_forum, save_questions

DIMENSION = 7
ODD = np.array([0.0, -0.0, 1.0, -1.0, 6e-8, 1 / 3, -0.99951], dtype=np.float32)


def make_model(session: Session) -> ModelRow:
    model = models.ensure_model(
        session, kind=ModelKind.BI_ENCODER, name="tiny", digest="tiny-1", dimension=DIMENSION
    )
    partitions.ensure_partition(session, model)
    return model


def stored(session: Session) -> dict[int, Embedding]:
    rows = session.execute(select(Embedding).execution_options(populate_existing=True)).scalars()
    return {row.question_id: row for row in rows}


def numbers(row: Embedding) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(row.vector, dtype=np.float32)


def test_vectors_come_back_as_the_halves_they_were_rounded_to(session: Session) -> None:
    forum, model = make_forum(session), make_model(session)
    saved = save_questions(session, forum, "Why?", "How?")
    wanted = [ODD, -ODD[::-1]]
    digests = [b"\0" * 32, b"\xff\n\\\t\r\0" + b"d" * 26]
    rows = [
        NewEmbedding(
            question_id=one.id,
            forum_id=forum.id,
            text_digest=digest,
            vector=vector,
        )
        for one, digest, vector in zip(saved, digests, wanted, strict=True)
    ]

    embeddings.save(session, model.id, rows[::-1])

    held = stored(session)
    for row, vector in zip(rows, wanted, strict=True):
        found = held[row.question_id]
        np.testing.assert_array_equal(numbers(found), vector.astype(np.float16))
        assert bytes(found.text_digest) == row.text_digest


def test_a_vector_takes_the_place_of_an_older_one_within_one_transaction(session: Session) -> None:
    forum, model = make_forum(session), make_model(session)
    (saved,) = save_questions(session, forum, "Why?")

    for number, digest in ((1.0, b"a" * 32), (0.5, b"b" * 32)):
        row = NewEmbedding(
            question_id=saved.id,
            forum_id=forum.id,
            text_digest=digest,
            vector=np.full(DIMENSION, number, np.float32),
        )
        embeddings.save(session, model.id, [row])

    (held,) = stored(session).values()
    assert numbers(held).tolist() == [0.5] * DIMENSION
    assert bytes(held.text_digest) == b"b" * 32


@pytest.mark.parametrize("visible", [True, False])
def test_a_vector_is_in_the_search_as_its_question_is_by_now(
    session: Session, visible: bool
) -> None:
    forum, model = make_forum(session), make_model(session)
    (saved,) = save_questions(session, forum, "Why?")
    row = NewEmbedding(question_id=saved.id, forum_id=forum.id, text_digest=b"a", vector=ODD)
    session.execute(update(Question).where(Question.id == saved.id).values(visible=visible))

    embeddings.save(session, model.id, [row])

    (held,) = stored(session).values()
    assert held.visible is visible


@pytest.mark.parametrize("hides", [True, False], ids=["hidden", "edited"])
def test_a_few_vectors_wait_for_who_changes_their_question(
    committed: sessionmaker[Session], hides: bool
) -> None:
    with committed.begin() as session:
        forum, model = make_forum(session), make_model(session)
        saved, other = save_questions(session, forum, "Why?", "Why not?")
    rows = [
        NewEmbedding(question_id=one.id, forum_id=forum.id, text_digest=b"a", vector=ODD)
        for one in (saved, other)
    ]
    changed = {"visible": False} if hides else {"text_version": 2}
    done: list[set[int]] = []

    def save() -> None:
        with committed.begin() as session:
            versions = {saved.id: 1, other.id: 1}
            done.append(embeddings.save_unchanged(session, model.id, rows, versions))

    with committed.begin() as session:
        session.execute(update(Question).where(Question.id == saved.id).values(changed))
        writer = threading.Thread(target=save)
        writer.start()
        writer.join(0.5)
        assert not done
    writer.join()

    assert done == [{saved.id, other.id} if hides else {other.id}]
    with committed.begin() as session:
        held = {one: row.visible for one, row in stored(session).items()}
    assert held == ({saved.id: False, other.id: True} if hides else {other.id: True})
