"""The queue of flagged pairs, and one pair with all that is known of it."""

from operator import attrgetter
from typing import ClassVar

from db.review import queue
from db.review.queue import QueueFilter, Sort
from tests.integration.db.two_forums import Calls, Crossed, TwoForums


class TestTwoForums(TwoForums):
    module = queue
    calls: ClassVar[Calls] = {
        "count_pairs": lambda session, own: queue.count_pairs(session, own.id, QueueFilter()),
        "count_skipped": lambda session, own: queue.count_skipped(session, own.id, "Ana stranger"),
        "list_queue": lambda session, own: queue.list_queue(
            session, own.id, QueueFilter(), sort=Sort.CERTAIN
        ),
        "list_queue: useful": lambda session, own: queue.list_queue(
            session, own.id, QueueFilter(), sort=Sort.USEFUL
        ),
        "list_queue: by words": lambda session, own: queue.list_queue(
            session, own.id, QueueFilter(words="egg"), sort=Sort.OLDEST
        ),
        "get_stage": lambda session, own: queue.get_stage(session, own.id, own.flagged),
        "precedents": lambda session, own: queue.precedents(
            session, queue.get_stage(session, own.id, own.flagged)
        ),
        "categories": lambda session, own: queue.categories(session, own.id),
    }
    crossed: ClassVar[Crossed] = {
        "get_stage": (
            attrgetter("flagged"),
            lambda session, own, thing: queue.get_stage(session, own.id, thing),
        ),
        "list_queue: from behind a pair": (
            attrgetter("flagged"),
            lambda session, own, thing: queue.list_queue(
                session, own.id, QueueFilter(), sort=Sort.CERTAIN, after=thing
            ),
        ),
        "list_queue: of a group": (
            attrgetter("group"),
            lambda session, own, thing: queue.list_queue(
                session, own.id, QueueFilter(group_id=thing), sort=Sort.CERTAIN
            ),
        ),
        "count_pairs: of a group": (
            attrgetter("group"),
            lambda session, own, thing: queue.count_pairs(
                session, own.id, QueueFilter(group_id=thing)
            ),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"conditions"})
