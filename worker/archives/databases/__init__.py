"""Reads a forum's own database, in pages and without writing to it."""

from worker.archives.databases.addresses import Address, is_address
from worker.archives.databases.reading import DatabaseArchive, open_database

__all__ = ["Address", "DatabaseArchive", "is_address", "open_database"]
