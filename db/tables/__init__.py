"""The tables, one module per noun; rows leave `db` only as the frozen records of the rooms."""

from db.tables import (
    actions,
    archives,
    calibrations,
    connectors,
    keys,
    outcomes,
    pairs,
    questions,
    review,
)
from db.tables.base import Base

__all__ = [
    "Base",
    "actions",
    "archives",
    "calibrations",
    "connectors",
    "keys",
    "outcomes",
    "pairs",
    "questions",
    "review",
]
