"""Postgres and Redis out of wheels."""

from pathlib import Path

from cli.running.embedded import EmbeddedServers
from cli.running.service import settings_of
from db.engine import make_engine


def test_embedded_servers_keep_their_data_and_start_again_in_a_long_folder(home: Path) -> None:
    folder = home / ("a rather long name of a folder " * 4).strip()
    for expected in (0, 1):
        with EmbeddedServers(folder) as servers:
            engine = make_engine(settings_of(servers.addresses.database_url))
            with engine.begin() as connection:
                connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS kept (n int)")
                found = connection.exec_driver_sql("SELECT count(*) FROM kept").scalar_one()
                connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
            engine.dispose()
        assert found == expected
