"""Real kinds of files: each one under tests/files with what must come of it beside it.

A new kind is one more file, or folder, and a ``.toml`` beside it. That says how the file is stored
(``encode``, ``pack``, ``behind``, ``inner``, ``parquet``,
``sheet``), what somebody says of it (``options``), and what is expected:
what is ``said`` of the file, ``stored`` ids and titles, ``hidden`` by reason, lines that are
``rejected``, fields ``warned`` of.
"""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import tomllib
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from worker.archives.loading.batches import check
from worker.archives.loading.options import means_of
from worker.archives.readers import Hidden, KnownPair, Reject, SourceQuestion, open_archive
from worker.archives.readers.records import UnreadableArchiveError

FILES = Path(__file__).parents[4] / "files"
KINDS = sorted(path.stem for path in FILES.glob("*.toml"))


def _packed_wide(data: bytes) -> bytes:
    """Return *data* packed by a writer that does not say how long it is, in a window of 2 GiB."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 31})
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "xz": lzma.compress,
    "lzma": partial(lzma.compress, format=lzma.FORMAT_ALONE),
    "bz2": bz2.compress,
    "zst": zstd.compress,
    "zst-long": _packed_wide,
    "gz": gzip.compress,
    "gz-gz": lambda data: gzip.compress(gzip.compress(data)),
}


def _written(expected: dict[str, Any], kind: str, folder: Path) -> Path:
    """Return the file of a kind as its program would write it."""
    source = FILES / kind
    if source.is_dir():
        return _packed(expected, source, folder)
    data = source.read_bytes()
    if "big" in expected:
        data = data.replace(b"@BIG@", b"b" * expected["big"])
    if "repeat" in expected:
        data = _repeated(data, expected["repeat"])
    if "padding" in expected:
        data = _padded(data, expected["padding"])
    if "encode" in expected:
        data = data.decode("utf-8").encode(expected["encode"])
    target = folder / kind
    if "parquet" in expected:
        target = folder / kind.removesuffix(".jsonl")
        _write_parquet(data, target, expected["parquet"])
        return target
    if "sheet" in expected:
        target = folder / kind.removesuffix(".jsonl")
        _write_sheet(data, target)
        return target
    if "pack" in expected:
        data = PACKERS[expected["pack"]](data)
    target.write_bytes(data + expected.get("behind", "").encode())
    return target


def _repeated(data: bytes, times: int) -> bytes:
    """Return *data* with its first line many times, each with its own number for ``@N@``."""
    line, _, rest = data.partition(b"\n")
    lines = (line.replace(b"@N@", str(number).encode()) for number in range(times))
    return b"\n".join([*lines, rest])


def _padded(data: bytes, length: int) -> bytes:
    head, _, rest = data.partition(b"\n")
    plain = b"".join(
        b"p%d,How many plain rows are there up to row %d?\n" % (n, n) for n in range(length // 50)
    )
    return head + b"\n" + plain + rest


def _write_parquet(data: bytes, target: Path, how: str) -> None:
    rows = [json.loads(line) for line in data.splitlines()]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    types = {"binary": {"title": pa.binary()}, "float": {"id": pa.float64()}}[how]
    if how == "binary":
        columns["title"] = [title.encode() for title in columns["title"]]
    arrays = {name: pa.array(values, types.get(name)) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), target)


def _write_sheet(data: bytes, target: Path) -> None:
    rows = [json.loads(line) for line in data.splitlines()]
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["All questions of the forum"])
    sheet.append([])
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    persons = book.create_sheet("Persons")
    for line in (["id", "name", "title"], [1, "Ann", "Who is she?"]):
        persons.append(line)
    book.save(target)


def _packed(expected: dict[str, Any], source: Path, folder: Path) -> Path:
    files = sorted(path for path in source.rglob("*") if path.is_file())
    names = [str(path.relative_to(source)) for path in files]
    target = folder / f"export.{expected.get('pack', '')}"
    if "inner" in expected:
        inner = _packed({"pack": expected["inner"]}, source, folder)
        files, names = [inner], [inner.name]
    match expected.get("pack"):
        case "zip":
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                for path, name in zip(files, names, strict=True):
                    archive.write(path, name)
        case "tar.gz":
            with tarfile.open(target, "w:gz") as tar:
                for path, name in zip(files, names, strict=True):
                    tar.add(path, name)
        case "7z":
            _write_7z(target, files)
        case "each-7z":
            for path in files:
                _write_7z(folder / f"{path.stem}.7z", [path])
            return folder / str(expected["open"])
        case _:
            return source
    return target


def _write_7z(target: Path, files: list[Path]) -> None:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        for path in files:
            archive.writestr(path.read_bytes(), path.name)
    target.write_bytes(out.getvalue())


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_each_kind_comes_in_as_its_forum_means_it(kind: str, tmp_path: Path) -> None:
    expected = tomllib.loads((FILES / f"{kind}.toml").read_text(encoding="utf-8"))
    path = _written(expected, kind, tmp_path)
    means = means_of(**expected.get("options", {}))
    if "refused" in expected:
        with pytest.raises(UnreadableArchiveError, match=expected["refused"]):
            open_archive(path, means)
        return

    with open_archive(path, means) as archive:
        records = list(archive)

    found = [one for one in records if isinstance(one, SourceQuestion)]
    rejects = [one for one in records if isinstance(one, Reject)]
    if "loaded" in expected:
        rejects = check(records)[1]
        found = [one for one in found if one.line not in {reject.line for reject in rejects}]
    if "shape" in expected:
        assert archive.choice.shape is not None
        assert archive.choice.shape.name == expected["shape"]
    assert archive.about.endswith(expected.get("said", ""))
    _compare(expected, found)
    hidden = Counter(one.reason for one in records if isinstance(one, Hidden))
    assert dict(hidden) == expected.get("hidden", {})
    assert [one.line for one in rejects] == expected.get("rejected", [])
    dropped = Counter(value.field for one in found for value in one.dropped)
    assert dict(dropped) == expected.get("warned", {})
    pairs = [one for one in records if isinstance(one, KnownPair)]
    told = [[one.first_id, one.second_id, one.is_duplicate] for one in pairs]
    assert told == expected.get("pairs", [])
    assert not check(records)[1] or rejects


def _compare(expected: dict[str, Any], found: list[SourceQuestion]) -> None:
    by_id = {one.external_id: one for one in found}
    if "stored" in expected:
        assert [[one.external_id, one.title] for one in found] == expected["stored"]
    if "titles" in expected:
        assert [one.title for one in found] == expected["titles"]
    if "count" in expected:
        assert len(found) == expected["count"]
    if "last" in expected:
        assert [found[-1].external_id, found[-1].title] == expected["last"]
    for own_id, asked in expected.get("asked", {}).items():
        assert str(by_id[own_id].asked_at).replace(" ", "T") == asked
    for own_id, url in expected.get("urls", {}).items():
        assert by_id[own_id].url == url
    for own_id, body in expected.get("bodies", {}).items():
        assert by_id[own_id].body == body
    for own_id, told in expected.get("facts", {}).items():
        facts = by_id[own_id].facts
        said = (facts.votes, facts.views, facts.answers, facts.accepted_answer)
        assert " ".join(map(str, (*said, ",".join(facts.tags), facts.closed))) == told
    if "bare" in expected:
        assert all(not (one.body or one.url or one.author or one.asked_at) for one in found)
