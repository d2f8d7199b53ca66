"""What goes into the file of one forum: every table is in it or left out with a reason."""

import pytest
from sqlalchemy import BigInteger, Integer

from db.keeping.forum_parts import IN_JSON, LEFT_OUT, LOOSE, PARTS, Part, references
from db.tables import Base

TABLES = Base.metadata.tables
OURS = [part.table for part in PARTS]


def test_every_table_is_in_the_file_or_left_out_with_a_reason() -> None:
    assert set(OURS) | set(LEFT_OUT) == set(TABLES)
    assert not set(OURS) & set(LEFT_OUT)
    assert all(LEFT_OUT.values())


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.table)
def test_what_is_left_out_or_given_anew_is_a_column(part: Part) -> None:
    known = {column.name for column in TABLES[part.table].columns}

    assert part.left_out <= known
    assert set(part.given) <= known
    assert set(part.columns) == known - part.left_out
    said, _, condition = part.query(7, "id").partition(" WHERE ")
    assert said.split() == ["SELECT", "id", "FROM", f'"{part.table}"']
    assert condition
    assert "{" not in condition


def test_no_secret_is_written() -> None:
    for part in PARTS:
        assert not {name for name in part.columns if "secret" in name or "api_key" in name}


def test_each_table_comes_after_those_that_it_refers_to() -> None:
    for place, table in enumerate(OURS):
        for key in TABLES[table].foreign_keys:
            other = key.column.table.name
            if other in OURS and other != table:
                assert OURS.index(other) < place, f"{table} refers to {other}"


def test_every_column_with_an_id_of_the_file_gets_a_new_one() -> None:
    numbers = (BigInteger, Integer)
    for part in PARTS:
        known = {name for name, _ in references(part.table)}
        for column in TABLES[part.table].columns:
            if column.name.endswith("_id") and isinstance(column.type, numbers):
                assert column.name in known, f"{part.table}.{column.name}"


@pytest.mark.parametrize("place", [*LOOSE, *IN_JSON], ids=str)
def test_columns_that_are_named_are_there(place: tuple[str, str]) -> None:
    table, column = place

    assert column in TABLES[table].columns
    assert LOOSE.get(place, "forums") in TABLES
    assert set(IN_JSON.get(place, {}).values()) <= set(TABLES)
