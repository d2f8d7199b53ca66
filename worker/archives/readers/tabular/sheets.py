"""Reads workbooks of spreadsheets: ``.xlsx``, ``.xlsm``, ``.xlsb``, ``.xls`` and ``.ods``.

A whole workbook is kept in memory. So its unpacked bytes are counted first, whatever size it
claims.
"""

import copy
import os
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from worker.archives.readers.containers.streams import refusing_damage
from worker.archives.readers.records import Row, UnreadableArchiveError, refuse_bomb
from worker.archives.readers.tabular import grids

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOOKS = frozenset({"xl/workbook.xml", "xl/workbook.bin"})
_TEXTS = frozenset({"word/document.xml", "ppt/presentation.xml"})
_OPEN = "application/vnd.oasis.opendocument."
_LARGEST = 384 << 20
"""Most bytes of a workbook: unpacked, or of the file for the old kind."""
_CHUNK = 1 << 20
_DAMAGED = "the workbook is damaged"


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Return whether a zip file is a workbook; raises `UnreadableArchiveError` for a document."""
    names = set(archive.namelist())
    kind = archive.read("mimetype")[:100].decode("ascii", "replace") if "mimetype" in names else ""
    if names & _TEXTS or (kind.startswith(_OPEN) and "spreadsheet" not in kind):
        raise UnreadableArchiveError("this is a document, not a table: save its table as CSV first")
    return bool(names & _BOOKS) or kind.startswith(_OPEN)


class Workbook:
    """The visible sheets of a workbook."""

    def __init__(self, file: BinaryIO) -> None:
        _refuse_large(file)
        file.seek(0)
        try:
            self._book = CalamineWorkbook.from_filelike(file)
        except (CalamineError, OSError, ValueError) as error:
            raise UnreadableArchiveError(f"{_DAMAGED}: {error}") from error

    @property
    def names(self) -> list[str]:
        """Return the names of the visible sheets."""
        sheets = self._book.sheets_metadata
        return [one.name for one in sheets if one.visible is SheetVisibleEnum.Visible]

    def header(self, name: str) -> list[str]:
        """Return the names of the columns of a sheet; empty if it has no rows."""
        return grids.header_of(self._lines(name))

    def rows(self, name: str) -> Iterator[Row]:
        """Yield the rows of a sheet below its header."""
        yield from grids.rows_of(self._lines(name), self.header(name))

    def _lines(self, name: str) -> Iterator[Sequence[Any]]:
        try:
            sheet: CalamineSheet = self._book.get_sheet_by_name(name)
        except (CalamineError, OSError, ValueError) as error:
            raise UnreadableArchiveError(f"the sheet {name!r} is damaged: {error}") from error
        yield from sheet.iter_rows()


def _refuse_large(file: BinaryIO) -> None:
    packed = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(len(ZIP)) != ZIP:
        _refuse(packed)
        return
    size = 0
    with refusing_damage(_DAMAGED), zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            honest = copy.copy(info)
            honest.file_size = _LARGEST * 2  # reads to the end of the data, not of the claimed size
            with archive.open(honest) as member:
                while chunk := member.read(_CHUNK):
                    size += len(chunk)
                    refuse_bomb(size, packed)
                    _refuse(size)


def _refuse(size: int) -> None:
    if size > _LARGEST:
        raise UnreadableArchiveError(
            f"the workbook holds more than {_LARGEST >> 20} MiB: save it as CSV first"
        )
