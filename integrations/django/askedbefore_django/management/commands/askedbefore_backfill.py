"""`manage.py askedbefore_backfill`: sends every question of the forum."""

import time
from argparse import ArgumentParser
from typing import Any

from askedbefore_client import AskedBeforeError, Client, Retry
from django.core.management.base import BaseCommand, CommandError

from askedbefore_django.backfilling import mark_of, pages
from askedbefore_django.conf import conf
from askedbefore_django.models import Mark
from askedbefore_django.sources import Source, sources

_PATIENT = Retry(tries=1_000, longest_pause_s=3_600)
"""The service asks for pauses when it cannot keep up with an archive."""


class Command(BaseCommand):
    """Sends the archive; a run that was interrupted continues where it stopped."""

    help = "Send all questions of the forum to askedbefore. An interrupted run can be continued."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--page", type=int, default=500, help="Questions in a page; 500 by default."
        )
        parser.add_argument(
            "--restart", action="store_true", help="Begin again with the first question."
        )

    def handle(self, *, page: int, restart: bool, **_: Any) -> None:
        """Send the questions of every source."""
        with conf().client(retry=_PATIENT, sleep=self._wait) as client:
            for path, source in sources().items():
                if restart:
                    Mark.objects.filter(name=mark_of(path)).delete()
                try:
                    self._send(client, path, source, size=page)
                except AskedBeforeError as error:
                    raise CommandError(
                        f"{error}; run the command again to continue from here"
                    ) from error

    def _send(self, client: Client, path: str, source: Source, *, size: int) -> None:
        total = source.queryset().count()
        mark = Mark.objects.filter(name=mark_of(path)).first()
        done = source.queryset().filter(pk__lte=mark.value).count() if mark and mark.value else 0
        before, start = done, time.monotonic()
        for one in pages(client, path, source, size=size):
            done += one.read
            rate = (done - before) / max(time.monotonic() - start, 1e-3)
            self.stdout.write(f"{source.model}: {done:,} of {total:,} sent, {rate:,.0f} a second")
            self.stdout.flush()
            for item in one.refused:
                self.stderr.write(f"{item.id} was refused: {'; '.join(map(str, item.errors))}")

    def _wait(self, pause_s: float) -> None:
        self.stdout.write(f"the service is busy: continuing in {pause_s:.0f} s")
        self.stdout.flush()
        time.sleep(pause_s)
