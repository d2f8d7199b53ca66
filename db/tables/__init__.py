"""The tables, one module per noun; rows leave `db` only as the frozen records of the rooms."""

from db.tables import archives, calibrations, keys, pairs, questions, review
from db.tables.base import Base

__all__ = ["Base", "archives", "calibrations", "keys", "pairs", "questions", "review"]
