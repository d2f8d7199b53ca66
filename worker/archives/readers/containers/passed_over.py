"""The files of a folder or packed file that are not read, and why."""

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from worker.archives.readers.records import UnreadableArchiveError

MEMBERS = 5_000
"""Most files of a folder or packed file."""
_NO_TEXT = re.compile(
    r"\.(?:png|jpe?g|gif|webp|svg|ico|bmp|mp[34]|webm|ogg|wav|pdf|woff2?|ttf|eot|css|js|map|exe|dll|so"
    r"|pyc|class|jar|docx?|pptx?|odt|sqlite3?|db|lock|md5|sha\d*|asc|sig)(?:\.gz)?$",
    re.IGNORECASE,
)
_SHOWN = 5
_OUTSIDE = "its path leads out of the packed file"


def why(name: str) -> str | None:
    """Return why a file of this name is not read; None if it may have questions."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts:
        return _OUTSIDE
    if any(part.startswith((".", "__MACOSX")) for part in parts):
        return "a hidden file"
    return "a kind of file that has no questions" if _NO_TEXT.search(name) else None


@dataclass(slots=True)
class PassedOver:
    """The files that are not read."""

    files: list[tuple[str, str]] = field(default_factory=list)
    """Their names with the reasons."""
    odd: list[tuple[str, str]] = field(default_factory=list)
    """Those of `files` that somebody may miss."""

    def is_wanted(self, name: str, *, size: int | None = None) -> bool:
        """Return whether to read a file of this name; otherwise record it."""
        reason = why(name)
        if reason is None and size == 0:
            reason = "it is empty"
        if reason is not None:
            self.add(name, reason, is_odd=reason == _OUTSIDE)
        return reason is None

    def add(self, name: str, reason: str, *, is_odd: bool = True) -> None:
        """Record a file that is not read."""
        if len(self.files) < MEMBERS:
            self.files.append((name, reason))
        if is_odd and len(self.odd) < MEMBERS:
            self.odd.append((name, reason))

    def nothing(self) -> str:
        """Return a sentence for a source without a file to read."""
        return f"there is no file to read{_shown(self.files)}"

    def shown(self) -> str:
        """Return the files that somebody may miss, for people; empty without such files."""
        return f"; not read{_shown(self.odd)}" if self.odd else ""


def _shown(files: list[tuple[str, str]]) -> str:
    some = ", ".join(f"{name} ({reason})" for name, reason in files[:_SHOWN])
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return f": {some}{more}" if some else ""


def refuse_many(count: int) -> None:
    """Raise `UnreadableArchiveError` if there are more files than are read."""
    if count > MEMBERS:
        raise UnreadableArchiveError(
            f"it has more than {MEMBERS:,} files: import them in several parts"
        )
