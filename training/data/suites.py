"""A suite: several domains to measure on, each in a folder or a file.

``NAME/pairs.csv`` has labelled pairs (question1, question2, body1, body2, is_duplicate).
``NAME/questions.csv`` is a mining set: questions (id, title, body); those with the same cluster are
the same. ``NAME.csv`` can be either, by its columns. Bodies are optional, and so is ``.gz``.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from db.errors import InvalidInputError
from db.wording import counted
from training.data.pairs import (
    QUESTION1,
    LabelledPair,
    PairsError,
    labels_of,
    require_both_labels,
    text_of,
)
from training.data.reading import read_pairs
from training.data.splits import Components
from training.data.tables import Row, is_table, open_table

_SEED = 1
PAIRS, QUESTIONS = "pairs", "questions"
ID, TITLE, BODY = "id", "title", "body"
CLUSTER, DUPLICATE_OF, EITHER = "cluster", "duplicate_of", "cluster_or_duplicate_of"


class SuiteError(InvalidInputError):
    """The folder is not a suite of domains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsDomain:
    """Labelled pairs of one domain."""

    name: str
    pairs: Sequence[LabelledPair]

    @property
    def label(self) -> str:
        """Return the name for people."""
        return self.name

    @property
    def summary(self) -> str:
        """Return one line for people about the content of the domain."""
        same = int(labels_of(self.pairs).sum())
        return f"{self.label}: {counted(len(self.pairs), 'pair')}, {same:,} of them the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class MiningDomain:
    """Questions of one domain, each with the number of its group of duplicates."""

    name: str
    titles: Sequence[str]
    bodies: Sequence[str]
    groups: Sequence[int]

    @property
    def label(self) -> str:
        """Return the name for people; there may also be labelled pairs of this name."""
        return f"{self.name} (mining)"

    @property
    def same(self) -> int:
        """Return the number of pairs of these questions that are the same."""
        sizes = Counter(self.groups).values()
        return sum(size * (size - 1) // 2 for size in sizes)

    def part(self, most: int) -> "MiningDomain":
        """Return whole groups, drawn at random, until they have *most* questions or a few more."""
        members: dict[int, list[int]] = {}
        for place, group in enumerate(self.groups):
            members.setdefault(group, []).append(place)
        order = list(members)
        random.Random(_SEED).shuffle(order)  # noqa: S311  # no secret
        kept: list[int] = []
        for group in order:
            if len(kept) >= most:
                break
            kept += members[group]
        kept.sort()
        return MiningDomain(
            name=self.name,
            titles=[self.titles[place] for place in kept],
            bodies=[self.bodies[place] for place in kept],
            groups=[self.groups[place] for place in kept],
        )

    @property
    def summary(self) -> str:
        """Return one line for people about the content of the domain."""
        questions = counted(len(self.titles), "question")
        same = counted(self.same, "pair is the same", "pairs are the same")
        return f"{self.label}: {questions}, {same}"


Domain = PairsDomain | MiningDomain


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """How much of a large domain is used, drawn at random but always the same."""

    pairs: int | None = None
    questions: int | None = None
    """Questions of a mining set, in whole groups."""


def read_suite(folder: Path, *, most: Most | None = None) -> list[Domain]:
    """Return the domains of a suite by name, labelled pairs before mining sets.

    Raises `SuiteError` for a folder without a domain, `PairsError` for a file that cannot be used,
    and `InvalidInputError` for pairs with only one label.
    """
    if not folder.is_dir():
        raise SuiteError(f"{folder}: no such folder")
    kept = most or Most()
    domains = [_domain(name, path, kept) for name, path in sorted(_files(folder))]
    if not domains:
        raise SuiteError(
            f"{folder} holds no domain: wanted are NAME/{PAIRS}.csv, NAME/{QUESTIONS}.csv or"
            " NAME.csv (or .tsv, .jsonl, .parquet; .gz too)"
        )
    return sorted(domains, key=lambda domain: isinstance(domain, MiningDomain))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the tables of a suite with the names of their domains; other files are skipped."""
    for path in folder.iterdir():
        if path.is_dir():
            inner = (one for one in path.iterdir() if _stem(one) in {PAIRS, QUESTIONS})
            yield from ((path.name, one) for one in inner if is_table(one))
        elif is_table(path):
            yield _stem(path), path


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _domain(name: str, path: Path, most: Most) -> Domain:
    with open_table(path) as table:
        is_mining = TITLE in table.columns and QUESTION1 not in table.columns
    if not is_mining:
        return _pairs(name, path, most.pairs)
    domain = _mining(name, path)
    return domain if most.questions is None else _part(domain, most.questions, path)


def _pairs(name: str, path: Path, most: int | None) -> PairsDomain:
    pairs = read_pairs(path, with_bodies=True).pairs
    require_both_labels(pairs, what=str(path))
    if most is not None and len(pairs) > most:
        pairs = random.Random(_SEED).sample(pairs, most)  # noqa: S311  # no secret
        if len(set(labels_of(pairs).tolist())) == 1:
            raise SuiteError(f"{path}: the pairs drawn ({most:,}) have one label: use more pairs")
    return PairsDomain(name=name, pairs=pairs)


def _part(domain: MiningDomain, most: int, path: Path) -> MiningDomain:
    drawn = domain.part(most)
    if not drawn.same:
        raise SuiteError(f"{path}: no two of the questions drawn are the same: use more questions")
    return drawn


def _mining(name: str, path: Path) -> MiningDomain:
    rows = list(_questions(path))
    domain = MiningDomain(
        name=name,
        titles=[_text(row, TITLE) for row in rows],
        bodies=[_text(row, BODY) for row in rows],
        groups=_groups(rows),
    )
    if not domain.same:
        raise SuiteError(f"{path}: no two questions share a cluster, so nothing can be found")
    return domain


def _questions(path: Path) -> Iterator[Row]:
    """Yield the rows with a question; raises `PairsError` for a row that cannot be read."""
    seen: dict[str, int] = {}
    with open_table(path) as table:
        table.require(ID, TITLE)
        if not {CLUSTER, DUPLICATE_OF, EITHER} & set(table.columns):
            table.require(CLUSTER)
        for row in table.sound_rows():
            first = seen.setdefault(_text(row, ID), row.line)
            if first != row.line:
                reason = f"the id {_text(row, ID)!r} is in line {first} already"
                raise PairsError(path, reason, line=row.line)
            if _text(row, TITLE):
                yield row


def _groups(rows: Sequence[Row]) -> list[int]:
    """Return a number for each row; rows joined by a chain of links or clusters have the same."""
    ids = {_text(row, ID) for row in rows}
    joined = Components(link for row in rows for link in _links(row, ids))
    numbers: dict[str, int] = {}
    return [numbers.setdefault(joined.find(f"id {_text(row, ID)}"), len(numbers)) for row in rows]


def _links(row: Row, ids: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """Yield the links of a question to the ids of others, or to the name of its cluster."""
    own = f"id {_text(row, ID)}"
    if cluster := _text(row, CLUSTER):
        yield own, f"cluster {cluster}"
    for other in _text(row, DUPLICATE_OF).split():
        yield own, f"id {other}"
    if either := _text(row, EITHER):
        others = either.split() if ids & set(either.split()) else []
        yield from ((own, f"id {other}") for other in others)
        if not others:
            yield own, f"cluster {either}"


def _text(row: Row, name: str) -> str:
    return text_of(row.values.get(name)).strip()
