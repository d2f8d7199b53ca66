"""Files of a packed file that are not read are named, with the reason."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from worker.archives.readers import SourceQuestion, open_archive
from worker.archives.readers.containers import passed_over
from worker.archives.readers.records import UnreadableArchiveError

ROWS = b"id,title\n1,How to park?\n"
LATER = b"id,title\n2,How to stop?\n"


def zipped(folder: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    target = folder / "a.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
    return target


def tarred(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    target = folder / "a.tar"
    with tarfile.open(target, "w") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target


def titles(path: Path) -> list[str]:
    with open_archive(path) as archive:
        return [one.title for one in archive if isinstance(one, SourceQuestion)]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("../q.csv", ROWS, "its path leads out of the packed file"),
        ("..\\..\\q.csv", ROWS, "its path leads out of the packed file"),
        (".git/q.csv", ROWS, "a hidden file"),
        ("q.pdf", ROWS, "a kind of file that has no questions"),
        ("q.csv", b"", "it is empty"),
    ],
)
def test_a_zip_file_without_a_file_to_read_says_why(
    name: str, data: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableArchiveError) as found:
        open_archive(zipped(tmp_path, (name, data)))

    assert str(found.value) == f"there is no file to read: {name} ({reason})"


def test_a_path_from_the_root_is_read_because_nothing_is_written_there(tmp_path: Path) -> None:
    assert titles(zipped(tmp_path, ("/var/backups/q.csv", ROWS))) == ["How to park?"]


def test_a_file_that_somebody_may_miss_is_named_beside_those_that_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path, ("q.csv", ROWS), ("../r.csv", LATER), ("logo.png", b"x"))

    with open_archive(path) as archive:
        assert archive.about.endswith("not read: ../r.csv (its path leads out of the packed file)")
        assert len(list(archive)) == 1


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    link, device = tarfile.TarInfo("q.csv"), tarfile.TarInfo("r.csv")
    link.type, link.linkname, device.type = tarfile.SYMTYPE, "/etc/hosts", tarfile.CHRTYPE
    of_zip = zipfile.ZipInfo("q.csv")
    of_zip.external_attr = 0o120777 << 16

    with pytest.raises(UnreadableArchiveError, match=r"q\.csv \(a link.*r\.csv \(a link or device"):
        open_archive(tarred(tmp_path, (link, b""), (device, b"")))
    with pytest.raises(UnreadableArchiveError, match=r"q\.csv \(a link or device"):
        open_archive(zipped(tmp_path, (of_zip, b"/etc/hosts")))


def test_what_is_packed_too_often_must_be_unpacked_first(tmp_path: Path) -> None:
    path = zipped(tmp_path, ("q.csv", ROWS))
    assert titles(path) == ["How to park?"]
    for _ in range(3):
        path = zipped(tmp_path, ("inner.zip", path.read_bytes()))

    with pytest.raises(UnreadableArchiveError, match=r"inner\.zip \(packed more than 2 times"):
        open_archive(path)


def test_of_two_members_of_a_tar_file_with_one_name_the_later_one_counts(tmp_path: Path) -> None:
    path = tarred(tmp_path, (tarfile.TarInfo("q.csv"), ROWS), (tarfile.TarInfo("q.csv"), LATER))

    assert titles(path) == ["How to stop?"]


def test_more_files_than_are_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passed_over, "MEMBERS", 1)
    two = tarfile.TarInfo("q.csv"), tarfile.TarInfo("r.csv")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("q.csv", "r.csv", ".hidden.csv"):
        (folder / name).write_bytes(ROWS)

    for path in (
        zipped(tmp_path, ("q.csv", ROWS), ("r.csv", ROWS)),
        tarred(tmp_path, *((one, ROWS) for one in two)),
        folder,
    ):
        with pytest.raises(UnreadableArchiveError, match="more than 1 files"):
            open_archive(path)
