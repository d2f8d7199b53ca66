"""Connectors of two forums."""

from typing import ClassVar

from db.connecting import connectors
from db.connecting.connectors import ConnectorKind, Wanted
from tests.integration.db.two_forums import Calls, TwoForums

WANTED = Wanted(kind=ConnectorKind.DISCOURSE, url="https://a.example", api_key="k", paths={})


class TestTwoForums(TwoForums):
    module = connectors
    calls: ClassVar[Calls] = {
        "put": lambda session, own: connectors.put(session, own.id, WANTED),
        "find": lambda session, own: connectors.find(session, own.id),
        "get": lambda session, own: connectors.get(session, own.id),
        "remove": lambda session, own: connectors.remove(session, own.id),
        "begin_backfill": lambda session, own: connectors.begin_backfill(session, own.id),
        "claim": lambda session, own: connectors.claim(session, own.id),
        "let_go": lambda session, own: connectors.let_go(session, own.id),
        "note_page": lambda session, own: connectors.note_page(
            session, own.id, 0, read=3, is_last=False
        ),
        "note_fault": lambda session, own: connectors.note_fault(session, own.id, "away"),
        "rest": lambda session, own: connectors.rest(session, own.id, seconds=3),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"list_callable"})
