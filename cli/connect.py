"""Connects commands with the database: that of the environment, or that of the data folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from cli.running.home import Running, data_folder, environment, find_holder, find_running
from cli.running.service import held_servers
from db import schema
from db.engine import Sessions, make_engine, make_sessions
from db.settings import DatabaseSettings

DATABASE_VARIABLE = "ASKEDBEFORE_DATABASE_URL"
_USUAL = "http://127.0.0.1:8000"


@contextmanager
def service(data: Path | None = None) -> Iterator[None]:
    """Put the settings of a service into the environment for the block.

    If they are set already, they are used. Otherwise the running `askedbefore up` of the data
    folder is used. Otherwise the servers of that folder are started for this command.
    """
    if DATABASE_VARIABLE in os.environ:  # noqa: TID251  # decides whether settings are complete
        yield
        return
    folder = data_folder(data)
    running = find_running(folder)
    if running is not None:
        with _variables(running):
            yield
        return
    with held_servers(folder) as (_, started), _variables(started):
        yield


def address(data: Path | None = None) -> str:
    """Return the URL of the API: that of the running `askedbefore up`, otherwise the usual one."""
    if DATABASE_VARIABLE not in os.environ:  # noqa: TID251  # as above
        holder = find_holder(data_folder(data))
        if holder is not None and holder.url:
            return holder.url
    return _USUAL


@contextmanager
def _variables(running: Running) -> Iterator[None]:
    added = environment(running)
    os.environ.update(added)  # noqa: TID251  # children and settings read them from here
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)  # noqa: TID251


@contextmanager
def database(data: Path | None = None) -> Iterator[Sessions]:
    """Yield sessions on the migrated database of the service."""
    with service(data):
        engine = make_engine(DatabaseSettings())
        schema.upgrade(engine, say=Console(stderr=True).print)
        try:
            yield make_sessions(engine)
        finally:
            engine.dispose()
