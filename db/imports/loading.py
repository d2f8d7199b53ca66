"""Stores questions by COPY, a batch at a time: new and changed ones, none that were erased."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from psycopg2.errors import UniqueViolation
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.actions import actions, vetoes
from db.arrays import array_of
from db.engine import copy
from db.imports import sightings
from db.imports.incoming import COLUMNS, Incoming
from db.packed_ids import Ids, in_order
from db.questions import authors
from db.questions.rows import NewQuestion
from db.tenants.rows import AuthorNames, ForumRow
from db.work import jobs
from db.work.rows import Lane

_COPY_PIECE = 1 << 22
_NOTHING: Mapping[str, str] = {}
_NO_IDS: Ids = np.zeros(0, np.int64)
_NAMES = ", ".join(COLUMNS)
_INCOMING = f"""
    CREATE TEMP TABLE IF NOT EXISTS incoming ON COMMIT DELETE ROWS
    AS SELECT {_NAMES} FROM questions WITH NO DATA
"""  # noqa: S608  # names of our own
_ERASED = """
    SELECT coalesce(array_agg(i.place), '{}')
    FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS i(name, place)
    JOIN erased_questions e
        ON e.forum_id = :forum AND e.id_digest = sha256(convert_to(i.name, 'UTF8'))
    WHERE NOT EXISTS (
        SELECT FROM questions q WHERE q.forum_id = :forum AND q.external_id = i.name
    )
"""
_HAS_ANY = "SELECT EXISTS (SELECT FROM questions WHERE forum_id = :forum)"
_HAS_ERASED = "SELECT EXISTS (SELECT FROM erased_questions WHERE forum_id = :forum)"
# No sequential scan: a batch is small compared to its forum, even if there are no statistics yet.
# And no JIT: this setting makes the scan of the batch itself look so expensive that Postgres would
# compile the statements.
_SETTINGS = """
    SELECT set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),
        set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true)
"""
# Each by its key, which `OFFSET 0` makes sure of: while a forum is being filled Postgres has no
# statistics of it, and would read the whole of it for each batch.
_SAME = """
    SELECT count(*) AS known,
        coalesce(array_agg(q.id) FILTER (WHERE q.content_digest = i.digest
            AND q.text_fields = :fields), '{}') AS ids,
        coalesce(array_agg(i.place) FILTER (WHERE q.content_digest = i.digest
            AND q.text_fields = :fields), '{}') AS places
    FROM unnest(CAST(:names AS text[]), CAST(:digests AS bytea[]))
        WITH ORDINALITY AS i(name, digest, place)
    CROSS JOIN LATERAL (
        SELECT id, content_digest, text_fields FROM questions
        WHERE forum_id = :forum AND external_id = i.name OFFSET 0
    ) q
"""
_LAST = "SELECT coalesce(max(id), 0) FROM questions"
_CREATED = """
    SELECT coalesce(array_agg(id), '{}') FROM questions WHERE id > :last AND archive_id = :archive
"""
_INSERT = f"""
    WITH new AS (
        INSERT INTO questions (forum_id, archive_id, {_NAMES})
        SELECT :forum, :archive, {_NAMES} FROM incoming ORDER BY external_id COLLATE "C"
        ON CONFLICT (forum_id, external_id) DO NOTHING RETURNING id
    ) SELECT coalesce(array_agg(id), '{{}}') FROM new
"""  # noqa: S608
# Arrays in one row: a row for each of thousands of questions would cost more than the comparison.
_COMPARE = """
    SELECT coalesce(array_agg(id), '{}') AS ids,
        coalesce(array_agg(id) FILTER (WHERE is_older), '{}') AS older,
        coalesce(array_agg(id) FILTER (WHERE differs AND NOT is_older), '{}') AS changed
    FROM (
        SELECT q.id, coalesce(
                CASE WHEN i.revision IS NULL OR q.revision IS NULL THEN i.edited_at < q.edited_at
                ELSE i.revision < q.revision END, false) AS is_older,
            q.content_digest <> i.content_digest OR q.text_fields <> i.text_fields AS differs
        FROM incoming i CROSS JOIN LATERAL (
            SELECT id, revision, edited_at, content_digest, text_fields FROM questions
            WHERE forum_id = :forum AND external_id = i.external_id OFFSET 0
        ) q
    ) compared
"""
# In one order, as everything that edits questions locks them.
_LOCK = "SELECT FROM questions WHERE id = ANY (:ids) ORDER BY id FOR NO KEY UPDATE"
_OLD = """
    SELECT q.id, q.external_id, i.visible AND NOT q.visible OR q.text_digest <> i.text_digest
            OR q.text_fields <> i.text_fields AS owes_work,
        q.text_digest <> i.text_digest OR q.text_fields <> i.text_fields AS has_new_text,
        q.visible <> i.visible AS is_turned
    FROM incoming i JOIN questions q ON q.external_id = i.external_id WHERE q.id = ANY (:ids)
"""
_VERSIONS = frozenset({"edited_at", "revision"})
_SET = ", ".join(
    f"{name} = coalesce(i.{name}, q.{name})" if name in _VERSIONS else f"{name} = i.{name}"
    for name in COLUMNS[1:]
)
_EDIT = f"""
    UPDATE questions q SET {_SET}, updated_at = clock_timestamp(),
        text_version = q.text_version + (q.id = ANY (:new_text))::int
    FROM incoming i
    WHERE q.external_id = i.external_id AND q.id = ANY (:ids)
"""  # noqa: S608
_ACTED_ON = "SELECT DISTINCT question_id FROM actions WHERE question_id = ANY (:ids)"
_SHOW = """
    UPDATE embeddings e SET visible = q.visible FROM questions q
    WHERE q.id = ANY (:ids) AND e.question_id = q.id AND e.visible <> q.visible
"""
# With an empty digest it differs from the next text that is sent, and so it is shown again then.
_HIDE = """
    UPDATE questions SET visible = false, content_digest = '', updated_at = clock_timestamp()
    WHERE id IN (
        SELECT id FROM questions WHERE forum_id = :forum AND external_id = ANY (:names) AND visible
        ORDER BY id FOR NO KEY UPDATE
    ) RETURNING id
"""
_KNOWN = "SELECT id FROM questions WHERE forum_id = :forum AND external_id = ANY (:names)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The result of loading one batch of questions."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    """What else happened, by name: `erased`, `older`, `hidden_now`; only what did happen."""
    question_ids: Ids = field(default_factory=lambda: _NO_IDS, compare=False)
    """The questions that are stored now as they came, in order."""


def load(
    session: Session,
    forum: ForumRow,
    archive_id: int,
    items: Sequence[NewQuestion] | Incoming,
    *,
    hidden: Iterable[str] = (),
    with_erased: bool = False,
    position: int = 0,
    same: Ids = _NO_IDS,
) -> Loaded:
    """Store the questions by COPY; *items* must not contain an id twice.

    Unchanged questions stay as they are. Changed ones are edited and checked again in the archive
    lane, unless a newer version is stored. Erased questions are not stored again, unless
    *with_erased*. Stored questions with an id of *hidden* are hidden. Those with an id in *same*
    came again unchanged. All of these are noted as seen, at *position* of the archive.
    Questions that are `ready` are not looked for first.
    """
    parameters = {"forum": forum.id, "archive": archive_id}
    # The commit at the end of the archive waits for the disk, and so for all commits before it.
    session.execute(text(_SETTINGS))
    incoming = items if isinstance(items, Incoming) else Incoming.of(items)
    incoming = incoming.with_authors(authors.kept_names(forum, incoming.columns["author"]))
    kept = incoming if with_erased else _without_erased(session, parameters, incoming)
    seen, loaded = _stored(session, forum, parameters, kept)
    if len(kept) < len(incoming):
        counts = {**loaded.counts, "erased": len(incoming) - len(kept)}
        loaded = replace(loaded, counts=counts)
    found = in_order(seen)
    if "older" not in loaded.counts:
        loaded = replace(loaded, question_ids=found)
    if len(same):
        found = in_order(np.concatenate([found, same]))
        loaded = replace(loaded, unchanged=loaded.unchanged + len(same))
    names = list(hidden)
    if names:
        of_names = parameters | {"names": names}
        now = list(session.execute(text(_HIDE), of_names).scalars())
        session.execute(text(_SHOW), {"ids": now})
        for question_id in now:
            actions.note_group(session, question_id)
        known = np.fromiter(session.execute(text(_KNOWN), of_names).scalars(), np.int64)
        found = np.concatenate([found, known])
        counts = {**loaded.counts, **({"hidden_now": len(now)} if now else {})}
        loaded = replace(loaded, counts=counts)
    sightings.note(session, archive_id, position, found)
    return loaded


def _stored(
    session: Session,
    forum: ForumRow,
    parameters: dict[str, int],
    items: Incoming,
) -> tuple[list[int], Loaded]:
    if not len(items):
        return [], Loaded()
    is_new = items.made is not None
    found = ([], items, False) if is_new else _unchanged(session, parameters, items)
    same, rest, is_known = found
    created = None if is_known else _copied(session, parameters, rest)
    known = _Compared([], [], [])
    if created is None:
        created, known = _merged(session, forum, parameters, rest)
    known.ids.extend(same)
    return [*known.ids, *created], Loaded(
        created=len(created),
        changed=len(known.changed),
        unchanged=len(known.ids) - len(known.changed) - len(known.older),
        counts={"older": len(known.older)} if known.older else {},
    )


def _unchanged(
    session: Session, parameters: Mapping[str, int], items: Incoming
) -> tuple[list[int], Incoming, bool]:
    """Return the stored questions that *items* do not change, by id, and the other items.

    Also whether any of the others is stored.
    """
    if not len(items):
        return [], items, False
    row = session.execute(
        text(_SAME),
        {
            **parameters,
            "fields": items.columns["text_fields"][0],
            "names": array_of(items.ids),
            "digests": array_of([f"\\x{one}" for one in items.columns["content_digest"]]),
        },
    ).one()
    return row.ids, items.without(row.places), row.known > len(row.ids)


def _copied(session: Session, parameters: Mapping[str, int], items: Incoming) -> list[int] | None:
    """Return the ids of *items*, none of which was stored; None if one of them now is."""
    if not len(items):
        return []
    last = session.execute(text(_LAST)).scalar_one()
    try:
        with session.begin_nested():
            _copy(session, "questions", items, _beside(**parameters))
    except IntegrityError as error:
        if not isinstance(error.orig, UniqueViolation):
            raise
        return None  # somebody else stored it meanwhile
    found = session.execute(text(_CREATED), {**parameters, "last": last})
    return list(found.scalar_one())


def _beside(*, forum: int, archive: int) -> Mapping[str, str]:
    return {"forum_id": str(forum), "archive_id": str(archive)}


def ready(forum: ForumRow, archive_id: int, items: Incoming) -> Incoming:
    """Return *items* made ready for `load`, which then has less to do.

    For questions of which probably none is stored. Call it while `load` stores what came before.
    """
    if forum.author_names is not AuthorNames.KEPT:
        return items
    return items.ready(list(_beside(forum=forum.id, archive=archive_id).values()))


def is_empty(session: Session, forum_id: int) -> bool:
    """Return whether a forum has no question."""
    return not session.execute(text(_HAS_ANY), {"forum": forum_id}).scalar_one()


def _merged(
    session: Session, forum: ForumRow, parameters: Mapping[str, int], items: Incoming
) -> tuple[list[int], "_Compared"]:
    """Store *items*, of which some are known, and return what is new and what was known."""
    session.execute(text(_INCOMING))
    _copy(session, "incoming", items)
    known = _compared(session, parameters)
    created: list[int] = []
    if len(known.ids) < len(items):
        created = session.execute(text(_INSERT), parameters).scalar_one()
        if len(known.ids) + len(created) < len(items):
            # Somebody else stored some meanwhile; what was created now is equal to itself.
            known = _compared(session, parameters).without(created)
    if known.changed:
        _edit(session, forum, items, known.changed)
    session.execute(text("DELETE FROM incoming"))
    return created, known


@dataclass(frozen=True, slots=True)
class _Compared:
    """Stored questions that came again, by id; those that are newer here; those to be edited."""

    ids: list[int]
    older: list[int]
    changed: list[int]

    def without(self, created: Sequence[int]) -> Self:
        """Return it without the questions that were created just now."""
        new = frozenset(created)
        return type(self)([one for one in self.ids if one not in new], self.older, self.changed)


def _copy(
    session: Session, table: str, items: Incoming, beside: Mapping[str, str] = _NOTHING
) -> None:
    """Copy *items* into a table, with the same values *beside* each."""
    copy(
        session.connection(),
        f"COPY {table} ({', '.join([*items.named(), *beside])}) FROM STDIN",
        items.lines(list(beside.values())),
        # Each piece waits for Python's interpreter lock while the next batch is being read.
        size=_COPY_PIECE,
    )


def _without_erased(session: Session, parameters: Mapping[str, int], items: Incoming) -> Incoming:
    if not len(items) or not session.execute(text(_HAS_ERASED), parameters).scalar_one():
        return items
    names = {"names": array_of(items.ids)}
    return items.without(session.execute(text(_ERASED), {**parameters, **names}).scalar_one())


def _compared(session: Session, parameters: Mapping[str, int]) -> _Compared:
    row = session.execute(text(_COMPARE), parameters).one()
    return _Compared(row.ids, row.older, row.changed)


def _edit(session: Session, forum: ForumRow, items: Incoming, ids: Sequence[int]) -> None:
    of_these = {"forum": forum.id, "ids": ids}
    session.execute(text(_LOCK), of_these)
    old = session.execute(text(_OLD), of_these).mappings().all()
    new_text = [row["id"] for row in old if row["has_new_text"]]
    session.execute(text(_EDIT), of_these | {"new_text": new_text})
    session.execute(text(_SHOW), of_these)
    _tell_actions(session, old)
    tokens = dict(zip(items.ids, items.tokens, strict=True))
    owed = [(row["id"], tokens[row["external_id"]]) for row in old if row["owes_work"]]
    jobs.put(session, owed, forum_id=forum.id, lane=Lane.ARCHIVE)


def _tell_actions(session: Session, edited: Sequence[RowMapping]) -> None:
    """Put a veto on the questions whose text has changed since an action about them was done."""
    acted_on = {"ids": [row["id"] for row in edited if row["has_new_text"]]}
    for question_id in list(session.execute(text(_ACTED_ON), acted_on).scalars()):
        vetoes.put_on_edit(session, question_id)
    for row in edited:
        if row["is_turned"]:
            actions.note_group(session, row["id"])
