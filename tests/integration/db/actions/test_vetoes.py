"""Questions of two forums that the service leaves alone."""

from typing import ClassVar

from db.actions import vetoes
from db.actions.vetoes import Source
from tests.integration.db.two_forums import Calls, TwoForums


class TestTwoForums(TwoForums):
    module = vetoes
    calls: ClassVar[Calls] = {
        "put": lambda session, own: vetoes.put(session, own.id, own.question, Source.OBJECTION),
        "find": lambda session, own: vetoes.find(session, own.questions),
        "latest": lambda session, own: vetoes.latest(session, own.id, limit=9),
        "put_on_edit": lambda session, own: vetoes.put_on_edit(session, own.questions[1]),
    }
