"""Files to read: one, those of a folder, or the members of a zip, tar or 7z file.

Each can be opened several times and is unpacked while it is read. Only pipes and packed files
inside packed files are written to disk, as unnamed temporary files.
"""

import hashlib
import io
import re
import stat
import tarfile
import tempfile
import weakref
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from worker.archives.readers.containers import foreign, sevenzip
from worker.archives.readers.containers.passed_over import PassedOver, refuse_many
from worker.archives.readers.containers.streams import (
    SAMPLE,
    Counted,
    Guarded,
    opened,
    refusing_damage,
    seekable,
)
from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.tabular import sheets

_ZIP, _EMPTY_ZIP = b"PK\x03\x04", b"PK\x05\x06"
_TAR_AT, _TAR = 257, b"ustar"
_NO_TAR = "the tar file cannot be unpacked"
_PACKED = re.compile(r"\.(?:gz|zst|zstd|xz|lzma|bz2|z)$", re.IGNORECASE)
_CONTAINER = re.compile(
    r"\.(?:zip|7z|tar|tgz|tbz2?|txz|tzst|tar\.\w{1,4}|xls[xmb]?|ods)$", re.IGNORECASE
)
_BOOK = re.compile(r"\.(?:xls[xmb]?|ods)$", re.IGNORECASE)
_DEPTH = 2
"""Levels of containers inside containers that are opened."""
_INNER_LIMIT = 2 << 30
_PARTS = re.compile(r"\.(?:z\d\d|\d{3}|part\d+|r\d\d)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, unpacked each time it is opened."""

    name: str
    open: Callable[[], BinaryIO]

    @property
    def stem(self) -> str:
        """Return its name without folders and suffixes."""
        bare = _PACKED.sub("", PurePosixPath(self.name).name)
        return re.sub(r"\.\w{1,8}$", "", bare) or bare

    @property
    def suffix(self) -> str:
        """Return the suffix of its name, such as ``.csv``, before a suffix of packing."""
        return PurePosixPath(_PACKED.sub("", self.name)).suffix.lower()


class Source:
    """The file, folder or stream to import."""

    def __init__(self, entries: list[Entry], *, size: int | None, name: str) -> None:
        self.entries, self.size, self.name = entries, size, name
        self.passed_over = PassedOver()
        self.left_over: dict[str, int] = {}
        """By file: how many bytes behind the packed data were not read."""
        self.counted: Counted | None = None
        """The counter of the file that was opened last."""

    @classmethod
    def of_path(cls, path: Path) -> "Source":
        """Return the file or folder at *path*; raises `UnreadableArchiveError`."""
        try:
            if path.is_dir():
                return cls._of_folder(path)
            size = path.stat().st_size
            with path.open("rb"):
                pass
        except OSError as error:
            raise UnreadableArchiveError(f"{path}: {error.strerror}") from error
        source = cls([], size=size, name=path.name)
        source.entries = source._members(path.name, partial(_opened, path))
        return source

    @classmethod
    def _of_folder(cls, folder: Path) -> "Source":
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        source = cls([], size=0, name=folder.name)
        is_wanted = source.passed_over.is_wanted
        wanted = [path for path in files if is_wanted(str(path.relative_to(folder)))]
        refuse_many(len(wanted))
        source.size = sum(path.stat().st_size for path in wanted)
        for path in wanted:
            name = str(path.relative_to(folder))
            try:
                source.entries += source._members(name, partial(_opened, path))
            except UnreadableArchiveError as error:
                if len(wanted) == 1:
                    raise
                source.passed_over.add(name, str(error))
        return source

    @classmethod
    def of_stream(cls, file: BinaryIO, *, name: str, size: int | None) -> "Source":
        """Return the source in *file*; a pipe is first written to disk, to be read again."""
        held = seekable(file)
        source = cls([], size=size, name=name)
        source.entries = source._members(name, partial(reopened, held))
        return source

    def _members(self, name: str, fresh: Callable[[], BinaryIO], depth: int = 0) -> list[Entry]:
        """Return the files in the container that *fresh* opens, or that file if it is none."""
        found = self._unfolded(name, fresh)
        if isinstance(found, Entry):
            return [found]
        return [inner for one in found for inner in self._inner(one, depth)]

    def _inner(self, entry: Entry, depth: int) -> list[Entry]:
        if _CONTAINER.search(entry.name) is None:
            return [entry]
        if depth >= _DEPTH:
            if _BOOK.search(entry.name):
                return [entry]
            self.passed_over.add(entry.name, f"packed more than {_DEPTH} times: unpack it first")
            return []
        with entry.open() as stream:
            held = _held(stream)
        weakref.finalize(self, held.close)
        return self._members(entry.name, partial(reopened, held), depth + 1)

    def _unfolded(self, name: str, fresh: Callable[[], BinaryIO]) -> list[Entry] | Entry:

        def unpacked() -> BinaryIO:
            left = partial(self.left_over.__setitem__, name)
            stream, self.counted = opened(fresh(), member="", left=left)
            return stream

        with fresh() as raw:
            magic = raw.read(foreign.LOOKED)
        _refuse_foreign(name, magic)
        if magic.startswith(sheets.OLE):
            return Entry(name, partial(_buffered, fresh))
        if magic.startswith(sevenzip.MAGIC):
            return [
                Entry(member, partial(self._of_7z, fresh, member))
                for member in filter(self.passed_over.is_wanted, sevenzip.members(fresh()))
            ]
        if magic.startswith((_ZIP, _EMPTY_ZIP)):
            return self._zipped(name, fresh)
        stream = unpacked()
        head = cast("io.BufferedReader", stream).peek(SAMPLE)[: _TAR_AT + len(_TAR)]
        stream.close()
        if head[_TAR_AT:] == _TAR:
            return [
                Entry(member, partial(_of_tar, unpacked, member, place))
                for member, place in self._tar_members(unpacked).items()
            ]
        return Entry(name, unpacked)

    def _tar_members(self, unpacked: Callable[[], BinaryIO]) -> dict[str, int]:
        """Return the places of the files by name; of several with one name the last one counts."""
        found: dict[str, int] = {}
        with (
            unpacked() as stream,
            refusing_damage(_NO_TAR),
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            for place, info in enumerate(archive):
                if not info.isfile() and not info.isdir():
                    self.passed_over.add(info.name, "a link or device")
                elif info.isfile() and self.passed_over.is_wanted(info.name, size=info.size):
                    found[info.name] = place
                    refuse_many(len(found))
        return found

    def _of_7z(self, fresh: Callable[[], BinaryIO], member: str) -> BinaryIO:
        self.counted = Counted(fresh())
        file = cast("BinaryIO", io.BufferedReader(self.counted, SAMPLE))
        return opened(sevenzip.opened(file, member))[0]

    def _zipped(self, name: str, fresh: Callable[[], BinaryIO]) -> list[Entry] | Entry:
        with (
            refusing_damage("the zip file cannot be unpacked"),
            fresh() as file,
            zipfile.ZipFile(file) as archive,
        ):
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if not archive.infolist():
                raise UnreadableArchiveError("the zip file is empty")
            if sheets.is_workbook(archive):
                return Entry(name, partial(_buffered, fresh))
        is_wanted = self.passed_over.is_wanted
        for info in filter(_is_link, infos):
            self.passed_over.add(info.filename, "a link or device")
        files = [info for info in infos if not _is_link(info)]
        wanted = [info for info in files if is_wanted(info.filename, size=info.file_size)]
        refuse_many(len(wanted))
        return [Entry(info.filename, partial(self._of_zip, fresh, info)) for info in wanted]

    def _of_zip(self, fresh: Callable[[], BinaryIO], info: zipfile.ZipInfo) -> BinaryIO:
        self.counted = Counted(fresh())
        try:
            with refusing_damage(f"{info.filename} in the zip file"):
                archive = zipfile.ZipFile(cast("BinaryIO", self.counted))
                member = archive.open(info)
        except UnreadableArchiveError:
            self.counted.close()
            raise
        packed = _Packed(self.counted, info.compress_size)
        guarded = Guarded(cast("BinaryIO", member), packed)
        return opened(cast("BinaryIO", io.BufferedReader(guarded, SAMPLE)))[0]


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _refuse_foreign(name: str, magic: bytes) -> None:
    """Raise `UnreadableArchiveError` for a known format without a reader, or a part of a file."""
    about = foreign.about(name, magic)
    if about is not None:
        raise UnreadableArchiveError(f"this is {about}")
    if _PARTS.search(name):
        raise UnreadableArchiveError(
            "this is one part of a file that was split: join the parts first, such as with cat"
        )


def _held(stream: BinaryIO) -> BinaryIO:
    """Return the content of *stream* in an unnamed temporary file."""
    held = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115  # it is opened again
    size = 0
    while chunk := stream.read(1 << 20):
        size += len(chunk)
        if size > _INNER_LIMIT:
            raise UnreadableArchiveError("a packed file in it is too large: unpack it first")
        held.write(chunk)
    held.flush()
    return held


def _buffered(fresh: Callable[[], BinaryIO]) -> BinaryIO:
    return io.BufferedReader(cast("io.RawIOBase", fresh()), SAMPLE)


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


class _Packed(Counted):
    """The packed bytes of one member of a zip file."""

    def __init__(self, file: Counted, size: int) -> None:
        super().__init__(cast("BinaryIO", file))
        self.count = size


def reopened(file: BinaryIO) -> BinaryIO:
    """Return the same file from its beginning, with a position of its own."""
    if isinstance(file, io.BytesIO):
        return io.BytesIO(file.getvalue())
    return cast("BinaryIO", open(f"/proc/self/fd/{file.fileno()}", "rb"))  # noqa: PTH123


def _of_tar(unpacked: Callable[[], BinaryIO], member: str, wanted: int) -> BinaryIO:
    stream = unpacked()
    with refusing_damage(_NO_TAR):
        archive = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115  # read on
        for place, info in enumerate(archive):
            if place == wanted and info.name == member and (file := archive.extractfile(info)):
                return opened(cast("BinaryIO", _Member(file, stream)))[0]
    raise UnreadableArchiveError(f"there is no {member} in the tar file any more")


class _Member(io.RawIOBase):
    """A member of a tar file; closing it closes the tar file."""

    def __init__(self, file: "io.IOBase | object", whole: BinaryIO) -> None:
        self._file, self._whole = cast("BinaryIO", file), whole

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        with refusing_damage(_NO_TAR):
            return self._file.read(size)

    def readinto(self, buffer: object) -> int:
        view = cast("memoryview", buffer)
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._whole.close()
        super().close()


def fingerprint(source: Source) -> str:
    """Return a digest of the size, the names, and the first MiB of the first 20 files."""
    digest = hashlib.sha256(repr((source.size, [one.name for one in source.entries])).encode())
    for entry in source.entries[:20]:
        with entry.open() as stream:
            digest.update(stream.read(1 << 20))
    return digest.hexdigest()
