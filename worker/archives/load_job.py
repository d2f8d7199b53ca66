"""Messages to and from a process that reads one archive, as lines of JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self


class Format(StrEnum):
    """A file format."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    JSON = "json"
    PARQUET = "parquet"
    STACKEXCHANGE = "stackexchange"
    SQL = "sql"
    """A dump of a database."""
    MAIL = "mail"
    FAQ = "faq"
    """A list of questions in Markdown, HTML or plain text."""
    SHEET = "sheet"
    """A workbook of a spreadsheet."""
    XML = "xml"
    """Records in any XML."""
    YAML = "yaml"
    TOML = "toml"
    DRAWN = "drawn"
    """A table with drawn lines, as database clients print it, or in Markdown."""


UNKNOWN = "unknown"
"""The format of an archive whose file was not read yet."""


class _Message:
    """The content of one line."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def encoded(self) -> bytes:
        """Return the message as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadJob(_Message):
    """One upload: its file, its forum, and its limits."""

    fd: int
    """Descriptor of the file, inherited."""
    parent: int
    """Id of the waiting process; the load ends if it dies."""
    database_url: str
    forum: str
    name: str
    form: Format | None
    chosen: Mapping[str, str]
    reading: Mapping[str, Any] = field(default_factory=dict)
    """The options of reading that somebody gave; see `worker.archives.loading.options.means_of`."""
    top_k: int
    delete_missing: bool = False
    with_erased: bool = False
    memory_bytes: int
    disk_bytes: int

    @classmethod
    def decoded(cls, line: bytes) -> Self:
        """Return what `encoded` wrote."""
        values = json.loads(line)
        form = Format(values["form"]) if values["form"] is not None else None
        return cls(**values | {"form": form})


class Outcome(StrEnum):
    """The state of reading an archive, for the caller."""

    BEGUN = "begun"
    """Reading continues and the archive has its id. Sent every few seconds as a sign of life."""
    STORED = "stored"
    INVALID = "invalid"
    STOPPED = "stopped"
    DISK_FULL = "disk_full"
    AWAY = "away"
    """The database does not answer, or this machine has no room for it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport(_Message):
    """The message of the process when it begins, while it reads, and when it ends."""

    outcome: Outcome
    archive_id: int | None = None
    reason: str = ""

    @classmethod
    def decoded(cls, line: bytes) -> Self:
        """Return what `encoded` wrote; raises `ValueError` for anything else."""
        values = json.loads(line)
        try:
            return cls(**values | {"outcome": Outcome(values["outcome"])})
        except (TypeError, LookupError) as error:
            raise ValueError("this is no report") from error
