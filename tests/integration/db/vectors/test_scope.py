"""A narrowed search finds as many as there are within its scope, exactly and by the index."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from db.questions import questions
from db.rows import WHOLE_FORUM, SearchScope, Within
from db.tables.questions import Question
from db.vectors import embeddings, models, partitions
from db.vectors.rows import ModelKind, ModelRow, NewEmbedding
from tests.rows.review import Seeded, seed_questions

NOW = datetime.now(UTC)
COUNT = 60


@pytest.fixture
def model(session: Session) -> ModelRow:
    found = models.ensure_model(
        session, kind=ModelKind.BI_ENCODER, name="tiny", digest="tiny-2", dimension=3
    )
    partitions.ensure_partition(session, found)
    return found


@pytest.fixture
def seeded(session: Session, model: ModelRow) -> Seeded:
    """Questions ever farther from the first: every second of its category, the last ten new."""
    made = seed_questions(session, *(f"q {n}" for n in range(COUNT)))
    session.execute(update(Question).values(asked_at=NOW - timedelta(days=100)))
    new = Question.id.in_(made.questions[-10:])
    session.execute(update(Question).where(new).values(asked_at=NOW, author="new"))
    rows = [
        NewEmbedding(
            question_id=one,
            forum_id=made.forum.id,
            text_digest=b"d",
            vector=np.array([1, place / 50, 0], np.float32),
        )
        for place, one in enumerate(made.questions)
    ]
    embeddings.save(session, model.id, rows)
    return made


@pytest.fixture(params=["exact", "index"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "index":
        monkeypatch.setattr(embeddings, "EXACT_LIMIT", 1)
    return str(request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("scope", "places"),
    [
        (WHOLE_FORUM, range(1, 9)),
        (SearchScope(within=Within.CATEGORY), range(2, 18, 2)),
        (SearchScope(days=30), range(50, 58)),
        (SearchScope(within=Within.AUTHOR), range(1, 9)),
        (SearchScope(days=30, within=Within.CATEGORY), range(50, 60, 2)),
    ],
)
def test_the_nearest_within_a_scope_are_found(
    session: Session, model: ModelRow, seeded: Seeded, scope: SearchScope, places: range
) -> None:
    asked = seeded.questions[0]

    found = embeddings.nearest(session, model, seeded.forum.id, [asked], limit=8, scope=scope)

    assert [one.id for one in found[asked]] == [seeded.questions[place] for place in places]


@pytest.mark.usefixtures("way")
def test_a_text_that_is_not_stored_has_its_days_and_no_category(
    session: Session, model: ModelRow, seeded: Seeded
) -> None:
    scope = SearchScope(days=30, within=Within.CATEGORY)
    vector = np.array([1, 0, 0], np.float32)

    found = embeddings.nearest_to_vector(
        session, model, seeded.forum.id, vector, limit=8, scope=scope
    )

    assert [one.id for one in found] == seeded.questions[50:58]


def test_twins_outside_a_scope_are_none(session: Session, seeded: Seeded) -> None:
    one, other, twin = (seeded.questions[place] for place in (0, 1, 2))
    pairs = [(one, other), (one, twin), (0, other)]
    scope = SearchScope(within=Within.CATEGORY)

    assert questions.in_scope(session, WHOLE_FORUM, pairs) == set(pairs)
    assert questions.in_scope(session, scope, pairs) == {(one, twin), (0, other)}
    assert questions.in_scope(session, SearchScope(days=30), pairs) == set()
