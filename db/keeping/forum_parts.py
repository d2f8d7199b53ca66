"""Which rows of each table go into the file of one forum, and their new ids elsewhere.

Each table of the file gets a range of new ids at the other installation. A new id is the old one
plus a constant, so order and references stay the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from db.tables import Base

_FORUM = "forum_id = {forum}"
_OF_MODEL_IN_USE = "model_id IN (SELECT id FROM models WHERE active)"
_NEWLY_SIGNED = (
    "'whsec_' || translate(encode(decode(replace(gen_random_uuid()::text || gen_random_uuid(), '-',"
    " ''), 'hex'), 'base64'), E'\\n', '')"
)
_FREE_ADDRESS = (
    "CASE WHEN EXISTS (SELECT FROM actions WHERE actions.token = moved.token)"
    " THEN gen_random_uuid()::text ELSE token END"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the file."""

    table: str
    of_forum: str = _FORUM
    """Condition for the forum's rows; ``{forum}`` is its id."""
    left_out: frozenset[str] = frozenset()
    """Columns that are not written: secrets, leases, and columns that triggers fill."""
    given: Mapping[str, str] = field(default_factory=dict)
    """Columns with another value at the other installation, as SQL."""

    @property
    def columns(self) -> list[str]:
        """Return the columns that are in the file."""
        known = Base.metadata.tables[self.table].columns
        return [one.name for one in known if one.name not in self.left_out]

    @property
    def has_ids(self) -> bool:
        """Return whether the database numbers its rows."""
        known = Base.metadata.tables[self.table].columns
        return "id" in known and known["id"].identity is not None

    def query(self, forum_id: int, columns: str) -> str:
        """Return the statement that reads *columns* of the forum's rows."""
        where = self.of_forum.format(forum=int(forum_id))
        return f'SELECT {columns} FROM "{self.table}" WHERE {where}'  # noqa: S608  # our own names


def _left(*names: str) -> frozenset[str]:
    return frozenset(names)


PARTS = (
    Part("forums", of_forum="id = {forum}", given={"name": ":name"}),
    Part("archives"),
    Part(
        "archive_units",
        of_forum="archive_id IN (SELECT id FROM archives WHERE forum_id = {forum})",
        left_out=_left("payload", "lease", "due_at"),
    ),
    Part("syncs"),
    Part("erased_questions"),
    Part("questions"),
    Part("jobs", left_out=_left("lease", "due_at")),
    Part("embeddings", of_forum=f"{_FORUM} AND {_OF_MODEL_IN_USE}"),
    Part("groups"),
    Part("group_members", of_forum="group_id IN (SELECT id FROM groups WHERE forum_id = {forum})"),
    Part("forum_calibrations"),
    Part("pairs", left_out=_left("changed_at")),
    Part("decisions"),
    Part("second_opinions"),
    Part("outcomes"),
    Part("actions", given={"token": _FREE_ADDRESS}),
    Part("vetoes"),
    Part("events"),
    # After the events, so that none of them is sent.
    Part(
        "webhooks",
        left_out=_left("secret", "old_secret", "old_secret_until", "rests_until")
        | _left("failures", "disabled_at", "notice"),
        given={
            "secret": _NEWLY_SIGNED,
            "disabled_at": "now()",
            "notice": "'imported: give its new secret to the receiver, then enable it'",
        },
    ),
)
"""Each after the tables that it refers to."""

LEFT_OUT = MappingProxyType(
    {
        "models": "by kind and digest in the manifest",
        "people": "by name in the manifest, without passwords",
        "memberships": "in the manifest",
        "api_keys": "secrets: make new ones",
        "api_key_forums": "as keys",
        "sign_ins": "secrets",
        "sign_in_links": "secrets",
        "sign_in_attempts": "kept for minutes",
        "connectors": "secrets: connect the forum again",
        "claims": "kept for minutes",
        "skips": "kept for a day",
        "unsettled": "triggers write it",
        "vector_heads": "triggers write it",
        "vector_changes": "triggers write it",
        "throughput": "of the other installation",
        "heartbeats": "of the other installation",
        "webhook_deliveries": "the other installation sends them",
        "archive_parts": "the next import of an archive reads all of it again",
        "archive_sightings": "the next import of an archive tells what is gone by its questions",
    }
)

LOOSE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("questions", "archive_id"): "archives",
        ("questions", "bi_encoder_id"): "models",
        ("questions", "reranker_id"): "models",
        ("syncs", "archive_id"): "archives",
        ("pairs", "calibration_id"): "forum_calibrations",
        ("pairs", "canonical_id"): "questions",
        ("pairs", "entry"): "pairs",
        ("decisions", "canonical_id"): "questions",
        ("decisions", "undoes"): "decisions",
        ("groups", "canonical_id"): "questions",
        ("actions", "pair_id"): "pairs",
        ("events", "question_id"): "questions",
        ("events", "pair_id"): "pairs",
        ("archive_units", "low_id"): "questions",
        ("archive_units", "high_id"): "questions",
        ("archive_units", "other_low_id"): "questions",
        ("archive_units", "other_high_id"): "questions",
    }
)
"""Columns with ids of another table, but without a foreign key."""

IN_JSON: Mapping[tuple[str, str], Mapping[str, str]] = MappingProxyType(
    {
        ("decisions", "earlier"): {"canonical_id": "questions"},
        ("events", "data"): {
            "action_id": "actions",
            "decision_id": "decisions",
            "group_id": "groups",
            "archive_id": "archives",
            "questions": "questions",
        },
    }
)
"""Ids, or lists of them, in JSON: by column, the key and the table."""


def references(table: str) -> Iterator[tuple[str, str]]:
    """Return the columns of *table* that hold ids, each with the table that has them."""
    for column in Base.metadata.tables[table].columns:
        loose = LOOSE.get((table, column.name))
        if column.name == "forum_id":
            yield column.name, "forums"
        elif column.name == "id":
            yield column.name, table
        elif loose is not None:
            yield column.name, loose
        for key in column.foreign_keys:
            if column.name != "forum_id":
                yield column.name, key.column.table.name
