"""Entries of one forum's queue contain nothing of another's."""

from operator import attrgetter
from typing import ClassVar

from db.review import entries
from db.review.queue import QueueFilter, Sort
from tests.integration.db.two_forums import Calls, Crossed, TwoForums


class TestTwoForums(TwoForums):
    module = entries
    calls: ClassVar[Calls] = {
        "list_entries": lambda session, own: entries.list_entries(
            session, own.id, QueueFilter(), sort=Sort.CERTAIN
        ),
        "representatives": lambda session, own: entries.representatives(session, own.questions),
        "find_entry": lambda session, own: entries.find_entry(session, own.id, own.flagged),
    }
    crossed: ClassVar[Crossed] = {
        "find_entry": (
            attrgetter("flagged"),
            lambda session, own, thing: entries.find_entry(session, own.id, thing),
        ),
        "list_entries": (
            attrgetter("flagged"),
            lambda session, own, thing: entries.list_entries(
                session, own.id, QueueFilter(), sort=Sort.CERTAIN, after=thing
            ),
        ),
    }
