"""The periodic work: tasks do it when the beat asks for it, and the watch when nothing does."""

from db.work.rows import Lane
from worker import acting, upkeep
from worker.archives.loading import syncing
from worker.resources import Resources

_SINCE_SWEEPS = 10
"""Sweeps whose time each sweep looks at again, because some may be late or fail."""


def sweep(held: Resources) -> set[Lane]:
    """Wake and return the lanes with due work, record rising questions, and start due syncs."""
    due = upkeep.sweep(held.sessions, held.queue)
    acting.tell_rising(held.sessions, within_s=_SINCE_SWEEPS * held.settings.sweep_s)
    syncing.start_due(held.sessions)
    return due


def deliver(held: Resources) -> None:
    """Decide, write actions, and start deliveries and connectors in threads of their own."""
    acting.act(held.sessions)
    acting.settle(held.sessions)
    held.courier.start()
    held.carrier.start()


def hourly(held: Resources) -> None:
    """Do the hourly upkeep, and compute again from which score the service may decide."""
    held.keep_up()
    acting.tell_rising(held.sessions)
    acting.prove_again(held.sessions)
