"""Recognises files of formats without a reader, and names what to do instead."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

LOOKED = 64
"""The first bytes of a file, from which its format is recognised."""
_AS_TABLE = "write it as CSV or Parquet"
_PICKLE = f"a pickle, which is never opened: {_AS_TABLE}"
_OF_R = f"a file of R: {_AS_TABLE}"
_ACCESS = "a database of Access: export its table as CSV (mdb-export)"
_BEGINS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"Rar!\x1a\x07", "a RAR file: unpack it first"),
    (0, b"\x04\x22\x4d\x18", "packed with lz4: unpack it first (lz4 -d FILE)"),
    (0, b"\x1f\x9d", "packed with compress: unpack it first (gzip -d FILE)"),
    (0, b"\x1f\xa0", "packed with compress: unpack it first (gzip -d FILE)"),
    (0, b"LZIP", "packed with lzip: unpack it first (lzip -d FILE)"),
    (0, b"\x89LZO\x00", "packed with lzop: unpack it first (lzop -d FILE)"),
    (0, b"\xff\x06\x00\x00sNaPpY", "packed with Snappy: unpack it first"),
    (0, b"MSCF\x00", "a cabinet file: unpack it first"),
    (0, b"\x60\xea", "an ARJ file: unpack it first"),
    (0, b"!<arch>", "an ar file: unpack it first"),
    (0, b"xar!", "a xar file: unpack it first"),
    (0, b"ARROW1", "an Arrow or Feather file: write it as Parquet"),
    (0, b"\xff\xff\xff\xff", "a stream of Arrow: write it as Parquet"),
    (0, b"FEA1", "a Feather file: write it as Parquet"),
    (0, b"Obj\x01", "an Avro file: write it as JSON Lines or Parquet"),
    (0, b"ORC", "an ORC file: write it as Parquet"),
    (0, b"SEQ\x06", "a sequence file of Hadoop: write it as JSON Lines or Parquet"),
    (0, b"SQLite format 3\0", "a database of SQLite: give its dump (sqlite3 FILE .dump)"),
    (8, b"DUCK", "a database of DuckDB: write its table as Parquet (COPY ... TO)"),
    (4, b"Standard Jet DB", _ACCESS),
    (4, b"Standard ACE DB", _ACCESS),
    (0, b"PGDMP", "a custom dump of PostgreSQL: write it as SQL (pg_restore -f dump.sql FILE)"),
    (0, b"TAPE\x00", "a back-up of SQL Server: restore it, and export its table as CSV"),
    (0, b"%PDF", "a PDF, no table"),
    (0, b"{\\rtf", "a text in RTF: save it as plain text"),
    (0, b"\x80\x02", _PICKLE),
    (0, b"\x80\x03", _PICKLE),
    (0, b"\x80\x04\x95", _PICKLE),
    (0, b"\x80\x05\x95", _PICKLE),
    (0, b"\x93NUMPY", f"an array of NumPy: {_AS_TABLE}"),
    (0, b"\x89HDF\r\n", f"an HDF5 file: {_AS_TABLE}"),
    (0, b"$FL2", f"a file of SPSS: {_AS_TABLE}"),
    (0, b"<stata_dta>", f"a file of Stata: {_AS_TABLE}"),
    (0, b"bplist00", "a binary property list: write it as XML (plutil -convert xml1 FILE)"),
    (0, b"-----BEGIN PGP MESSAGE", "encrypted: decrypt it first (gpg -d FILE)"),
    (0, b"Salted__", "encrypted with OpenSSL: decrypt it first"),
    (0, b"\x89PNG", "a picture, no table"),
    (0, b"\xff\xd8\xff", "a picture, no table"),
    (0, b"GIF8", "a picture, no table"),
    (0, b"RDX3\n", _OF_R),
    (0, b"RDX2\n", _OF_R),
    (0, b"RDA3\n", _OF_R),
    (0, b"X\n\x00\x00\x00", _OF_R),
)
"""Position, bytes at this position, and what such a file is."""
_TEXTS = frozenset({b"%PDF", b"{\\rtf", b"-----BEGIN PGP MESSAGE", b"<stata_dta>"})
"""First bytes that no table of texts has; others may be the name of a column."""
_CPIO = re.compile(rb"07070[127][0-9A-Fa-f]{58}")
_NAMES: Mapping[str, str] = {
    ".br": "packed with Brotli: unpack it first (brotli -d FILE)",
    ".bson": "BSON, as mongodump writes it: write it as JSON Lines (bsondump FILE)",
    ".msgpack": f"MessagePack: {_AS_TABLE}",
    ".dbf": "a table of dBase: save it as CSV",
    ".pst": "a mailbox of Outlook: write it as mbox (readpst FILE)",
    ".sas7bdat": f"a file of SAS: {_AS_TABLE}",
}
"""Formats that have no typical first bytes, by suffix."""
_IS_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x80-\xff]")
_CONTROL = re.compile(r"[\x00\x02-\x08\x0e-\x13\x15-\x19]")
_CONTROLS, _FEW, _SAMPLE = 0.02, 8, 1 << 16
"""A file with a larger share of control characters, and more than a few, is no text."""


def about(name: str, begin: bytes) -> str | None:
    """Return the name of a format without a reader, by first bytes or *name*; None for others."""
    is_binary = _IS_BINARY.search(begin) is not None
    for place, mark, what in _BEGINS:
        if begin.startswith(mark, place) and (is_binary or mark in _TEXTS):
            return what
    if _CPIO.fullmatch(begin):
        return "a cpio file: unpack it first (cpio -i < FILE)"
    return _NAMES.get(PurePosixPath(name).suffix.lower()) if is_binary else None


def is_text(text: str) -> bool:
    """Return whether a file that begins with *text* may be a text."""
    some = text[:_SAMPLE]
    return len(_CONTROL.findall(some)) <= max(_FEW, _CONTROLS * len(some))
