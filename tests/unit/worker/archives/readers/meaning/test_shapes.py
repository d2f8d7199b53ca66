"""The files of the programs: what one names, it describes."""

from itertools import chain

import pytest

from worker.archives.readers.meaning.shapes import Known, Shape, Sql
from worker.archives.readers.values.conditions import Condition

SHAPES = Known.all().shapes
ABOUT = [one.about for one in SHAPES]


def _paths(shape: Shape) -> set[str]:
    given = [*shape.fields.values(), *(one.via for one in shape.lookups)]
    asked: list[Sql | str] = list(chain.from_iterable(shape.hidden.values()))
    if shape.database is not None:
        given += [one for one in shape.database.fields.values() if isinstance(one, str)]
        asked += chain.from_iterable(shape.database.hidden.values())
    columns = [Condition.parse(one).column for one in asked if isinstance(one, str)]
    return {path for one in given if "~" not in one for path in one.split("|")} | set(columns)


@pytest.mark.parametrize("shape", SHAPES, ids=ABOUT)
def test_a_column_of_a_lookup_is_one_that_it_keeps(shape: Shape) -> None:
    kept = {one.name: one.columns for one in shape.lookups}
    only_joined = set(shape.database.joins) if shape.database is not None else set()

    for path in _paths(shape):
        name, _, column = path.partition(".")
        if name in kept and column and name not in only_joined:
            assert column.partition(".")[0] in kept[name], path


@pytest.mark.parametrize("shape", [one for one in SHAPES if one.database], ids=lambda one: one.name)
def test_a_database_joins_lookups_that_no_other_lookup_has_to_be_read_for(shape: Shape) -> None:
    assert shape.database is not None
    lookups = {one.name: one for one in shape.lookups}

    assert set(shape.database.joins) <= lookups.keys()
    assert not any(lookups[name].is_joined for name in shape.database.joins)
    for part in chain(shape.database.fields.values(), *shape.database.hidden.values()):
        assert not isinstance(part, Sql) or all(one.count(".") == 1 for one in part.needs)


def test_names_of_programs_are_told_apart_by_their_columns() -> None:
    """A table with exactly what a shape needs is read as this shape, or as one of its program."""
    for shape in SHAPES:
        columns = [one.split("|")[0] for one in shape.needs]
        first = next(one for one in SHAPES if one.fits(columns))
        assert first.name.split("-")[0] == shape.name.split("-")[0], (shape.about, first.about)
