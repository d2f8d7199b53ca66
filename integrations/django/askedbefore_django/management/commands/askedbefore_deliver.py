"""`manage.py askedbefore_deliver`: sends the outbox and carries out actions."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from askedbefore_client import AskedBeforeError
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, close_old_connections
from django.utils.translation import ngettext

from askedbefore_django.conf import conf
from askedbefore_django.delivering import pause_s, turn
from askedbefore_django.models import Change


class Command(BaseCommand):
    """Runs until it is asked to stop; several at once take turns."""

    help = "Send changed questions to askedbefore, and carry out its actions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("--once", action="store_true", help="Send the outbox once, then end.")
        parser.add_argument(
            "--interval", type=float, default=2.0, help="Seconds between two turns; 2 by default."
        )

    def handle(self, *, once: bool, interval: float, **_: Any) -> None:
        """Deliver once, or for as long as the process runs."""
        if once:
            return self._once()
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        failures = 0
        with conf().client() as client:
            while not stopped.is_set():
                close_old_connections()
                wait_s = interval
                try:
                    self._say(*turn(client))
                    failures = 0
                except AskedBeforeError as error:
                    failures += 1
                    wait_s = pause_s(error, failures=failures, interval_s=interval)
                    self.stderr.write(f"{error}; next try in {wait_s:.0f} s")
                except OperationalError as error:  # the forum's database is busy or does not answer
                    self.stderr.write(f"{type(error).__name__}: {error}")
                stopped.wait(wait_s)
        return None

    def _once(self) -> None:
        try:
            with conf().client() as client:
                sent, acted = turn(client)
                while sent:
                    self._say(sent, acted)
                    sent, acted = turn(client)
        except AskedBeforeError as error:
            raise CommandError(f"{error}; changes that were not sent stay in the outbox") from error
        self._say(sent, acted)
        refused = Change.objects.exclude(refused="").count()
        if refused:
            said = ngettext("%d change was refused", "%d changes were refused", refused) % refused
            self.stderr.write(f"{said}: see the forum's admin")

    def _say(self, sent: int, acted: int) -> None:
        if sent or acted:
            questions = ngettext("%d question", "%d questions", sent) % sent
            actions = ngettext("%d action", "%d actions", acted) % acted
            self.stdout.write(f"{questions} sent, {actions} carried out")
            self.stdout.flush()
