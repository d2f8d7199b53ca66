"""The ledger: everything that the service has accepted, and so must have at the end."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Key:
    """A question by its forum and its own id there."""

    forum: str
    id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question as it was accepted last. With *is_still* it is not changed any more."""

    title: str
    visible: bool = True
    is_still: bool = False


@dataclass(slots=True)
class Decided:
    """A decision that was asked for, and whether it was accepted for certain."""

    ends: tuple[Key, Key]
    is_certain: bool = False


@dataclass(slots=True)
class Ledger:
    """Accepted changes of all clients; each question belongs to one client."""

    questions: dict[Key, Wanted] = field(default_factory=dict)
    erased: set[Key] = field(default_factory=set)
    doubtful: set[Key] = field(default_factory=set)
    """Changes of calls that their clients gave up: each may have been accepted, or may be later."""
    archives: dict[int, str] = field(default_factory=dict)
    """Accepted archives and their forums."""
    decisions: dict[str, Decided] = field(default_factory=dict)
    """Decisions by their notes, each of which is used once."""
    counts: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    """Answers that no caller should get, and calls that were never accepted."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, key: Key, wanted: Wanted) -> None:
        """Note that a question was stored or edited."""
        with self.lock:
            self.counts["submissions"] += 1
            self.erased.discard(key)
            self.doubtful.discard(key)
            self.questions[key] = wanted

    def erase(self, key: Key) -> None:
        """Note that a question was erased."""
        with self.lock:
            self.counts["erasures"] += 1
            self.questions.pop(key, None)
            self.erased.add(key)
            self.doubtful.discard(key)

    def doubt(self, keys: Iterable[Key]) -> None:
        """Note that it is unknown whether the last change of these questions was accepted."""
        with self.lock:
            self.doubtful.update(keys)

    def note(self, what: str, count: int = 1) -> None:
        """Count something that was accepted."""
        with self.lock:
            self.counts[what] += count

    def complain(self, what: str) -> None:
        """Note an unexpected answer."""
        with self.lock:
            self.unexpected.append(what)
