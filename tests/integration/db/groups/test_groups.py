"""Groups of duplicates."""

from operator import attrgetter
from typing import ClassVar

from db.groups import groups
from tests.integration.db.two_forums import Calls, Crossed, TwoForums


class TestTwoForums(TwoForums):
    module = groups
    calls: ClassVar[Calls] = {
        "lock": lambda session, own: groups.lock(session, own.id),
        "groups_of": lambda session, own: groups.groups_of(session, own.questions),
        "together_with": lambda session, own: groups.together_with(session, own.question),
        "sizes": lambda session, own: groups.sizes(session, [own.group]),
        "rebuild": lambda session, own: groups.rebuild(session, own.id, own.questions, actor="ana"),
        "canonical_of": lambda session, own: groups.canonical_of(session, own.question),
        "store": lambda session, own: groups.store(session, own.id, own.group, own.question),
        "store: a new one": lambda session, own: groups.store(session, own.id, None, own.question),
        "tell": lambda session, own: groups.tell(
            session, own.id, own.group, own.questions, actor="ana"
        ),
        "choose_canonical": lambda session, own: groups.choose_canonical(
            session, own.id, own.group, own.question, actor="ana"
        ),
        "get_group": lambda session, own: groups.get_group(session, own.id, own.group),
        "list_groups": lambda session, own: groups.list_groups(session, own.id),
        "list_groups: a page": lambda session, own: groups.list_groups(
            session, own.id, before=own.group
        ),
    }
    crossed: ClassVar[Crossed] = {
        "choose_canonical: group": (
            attrgetter("group"),
            lambda session, own, thing: groups.choose_canonical(
                session, own.id, thing, own.question, actor="ana"
            ),
        ),
        "choose_canonical: question": (
            attrgetter("question"),
            lambda session, own, thing: groups.choose_canonical(
                session, own.id, own.group, thing, actor="ana"
            ),
        ),
        "get_group": (
            attrgetter("group"),
            lambda session, own, thing: groups.get_group(session, own.id, thing),
        ),
        "list_groups": (
            attrgetter("group"),
            lambda session, own, thing: groups.list_groups(session, own.id, before=thing),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"touching", "refuse_merge"})
