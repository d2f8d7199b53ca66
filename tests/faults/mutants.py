"""``python -m tests.faults.mutants``: reads files of every kind that are broken at random.

Reading any file must end within the limit: with records and rejected rows, or with an error in one
sentence. The exit status is 1 if a reader raises anything else or takes longer.
"""

import argparse
import bz2
import io
import lzma
import random
import signal
import sys
import tarfile
import time
import traceback
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openpyxl

from tests.unit.worker.archives.readers.test_archive import FORMATS, PACKERS
from worker.archives.loading.options import means_of
from worker.archives.readers import open_stream
from worker.archives.readers.records import UnreadableArchiveError

LIMIT_S = 60
"""Seconds that any of these small files may take, on a machine with other things to do."""
_FILES = Path(__file__).parents[1] / "files"
_LARGEST = 200_000
_DEEP = 3_000
_PIECES = (
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\x1e", b"\\u0000"),
    *(b"[" * _DEEP, b'{"a":' * _DEEP, b"<a>" * _DEEP, b"(" * _DEEP, b">" * _DEEP, b"\r\n" * 50),
    *(b"9" * 5_000, b"1e999", b"-1e-999", b"NaN", b"null", b"NULL", b"true", b"9999-12-31"),
    *(b'"', b"'", b"''", b"\\", b"\n", b"\r", b",", b"\t", b"]", b"}", b"(", b")", b"$$", b"--"),
    *(b"<![CDATA[", b"<!--", b"&#0;", b"&#xD800;", b"/*", b"*/", b"=?utf-8?b?////?=", b"sep=;"),
)


def _zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("questions", data)
        archive.writestr("more/questions", data)
    return out.getvalue()


def _tarred(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("questions")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


_CONTAINERS = {"zip": _zipped, "tar": _tarred, "xz": lzma.compress, "bz2": bz2.compress}


def samples() -> dict[str, bytes]:
    """Return files of every format and way of packing, by name."""
    found = {
        str(path.relative_to(_FILES)): path.read_bytes()
        for path in sorted(_FILES.rglob("*"))
        if path.is_file() and path.suffix != ".toml" and path.stat().st_size < _LARGEST
    }
    for form, make in FORMATS.items():
        found |= {f"{form}.{name}": pack(make()) for name, pack in PACKERS.items()}
        found |= {f"{form}.{name}": pack(make()) for name, pack in _CONTAINERS.items()}
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (("id", "title"), (1, "Why so?"), (2, "How so?")):
        book.active.append(row)
    book.save(out)
    return found | {"book.xlsx": out.getvalue()}


def broken(data: bytes, random_: random.Random) -> bytes:
    """Return *data* with a few random damages."""
    out = bytearray(data)
    for _ in range(random_.randint(1, 4)):
        place = random_.randrange(len(out) + 1)
        end = min(len(out), place + random_.choice((1, 12, 50, 200, 2_000)))
        piece = bytes(out[place:end])
        match random_.randrange(6):
            case 0:
                del out[place:]
            case 1:
                out[place:end] = random_.randbytes(len(piece))
            case 2:
                out[place:place] = random_.choice(_PIECES)
            case 3:
                out[place:end] = random_.choice(_PIECES)
            case 4:
                out[place:place] = piece * random_.randint(1, 20)
            case 5:
                del out[place:end]
                to = random_.randrange(len(out) + 1)
                out[to:to] = piece
    return bytes(out)


def mutants(seed: int, each: int) -> Iterator[tuple[str, bytes]]:
    """Yield *each* broken files of every sample, with a name."""
    random_ = random.Random(seed)
    for name, data in samples().items():
        for _ in range(each):
            yield random_.choice((Path(name).name, "upload")), broken(data, random_)


def fault_of(name: str, data: bytes) -> str | None:
    """Read a file to its end; return the fault of the reader, or None."""
    try:
        with _limited(), open_stream(io.BytesIO(data), means_of(), name=name) as archive:
            for _ in archive:
                pass
    except UnreadableArchiveError:
        return None
    except Exception as error:  # noqa: BLE001  # this is what is looked for
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {last.filename}:{last.lineno}: {error}"[:300]
    return None


@contextmanager
def _limited() -> Iterator[None]:
    def over(*_: object) -> None:
        raise TimeoutError(f"it takes longer than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def main() -> None:
    """Read so many broken files, and keep those that must not be."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants", description=__doc__)
    parser.add_argument("--each", type=int, default=20, help="broken files of each sample")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    begun, count, faults = time.monotonic(), 0, 0
    for name, data in mutants(given.seed, given.each):
        count += 1
        if fault := fault_of(name, data):
            faults += 1
            kept = Path(f"mutant-{given.seed}-{count}.bin")
            kept.write_bytes(data)
            print(f"{kept} ({name}): {fault}", flush=True)
    print(f"{count:,} broken files in {time.monotonic() - begun:.0f} s: {faults} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
