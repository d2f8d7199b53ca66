"""Which column is the question, where no program is known: certain, or asked about."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from worker.archives.readers.meaning.columns import FIELDS, Columns, is_of_others, plain_name
from worker.archives.readers.records import UnreadableArchiveError

NAMES = st.sampled_from([
    "id", "Id", "ID", "title", "Title", "question", "body", "text", "name", "email", "price",
    "parent_id", "url", "tags", "category", "created_at", "Created At", "question1", "question2",
    "is_duplicate", "q1", "q2", "score", "#", "_key", "tracker", "qid1", "qid2", "x", "",
])  # fmt: skip


@given(st.lists(NAMES, max_size=8))
def test_no_column_has_two_fields_and_each_is_one_of_the_file(found: list[str]) -> None:
    try:
        names = dict(Columns.resolve(found).names)
    except UnreadableArchiveError:
        return

    columns = [
        column
        for field, column in names.items()
        if (field, column) != ("category", names.get("tags"))
    ]
    assert set(names.values()) <= set(found)
    assert len(columns) == len(set(columns))
    assert "title" in names


@given(st.lists(NAMES, max_size=8, unique=True))
def test_a_column_that_somebody_names_is_the_question_whatever_stands_beside_it(
    found: list[str],
) -> None:
    found = [*found, "mine"]

    assert Columns.resolve(found, {"title": "mine"}).names["title"] == "mine"


@given(st.lists(NAMES, max_size=8, unique=True), st.sampled_from(FIELDS))
def test_a_field_that_somebody_leaves_empty_has_no_column(found: list[str], field: str) -> None:
    chosen = {"title": "mine"} | ({field: ""} if field != "title" else {})

    names = Columns.resolve([*found, "mine"], chosen).names

    assert field == "title" or field not in names


@pytest.mark.parametrize(
    ("found", "title"),
    [
        (["id", "title"], "title"),
        (["Question Title", "Title"], "Question Title"),
        (["id", "text"], "text"),
        (["id", "subject", "message"], "subject"),
        (["id", "Betreff"], "Betreff"),
        (["question", "answer"], "question"),
        (["name", "title", "body"], "title"),
        (["name", "question"], "question"),
        (["email", "question"], "question"),
        (["text", "tags"], "text"),
        (["q1", "q2", "is_duplicate"], "q1"),
    ],
)
def test_a_column_that_is_certain_is_the_question(found: list[str], title: str) -> None:
    assert Columns.resolve(found).names["title"] == title


@pytest.mark.parametrize(
    "found",
    [
        [],
        ["id"],
        ["name", "title"],
        ["title", "price"],
        ["title", "isbn"],
        ["text", "author"],
        ["text", "parent_id"],
        ["heading", "body"],
        ["title", "email"],
    ],
)
def test_a_column_that_may_be_of_persons_or_things_is_asked_about(found: list[str]) -> None:
    with pytest.raises(UnreadableArchiveError, match="--map title=COLUMN"):
        Columns.resolve(found)


@pytest.mark.parametrize(
    ("found", "is_pairs"),
    [
        (["question1", "question2"], True),
        (["Question 1", "Question 2", "label"], True),
        (["q1", "q2", "title"], False),
        (["text1", "text2", "is_duplicate"], True),
        (["title", "title2"], False),
    ],
)
def test_a_file_of_pairs_is_told_by_its_two_questions(found: list[str], *, is_pairs: bool) -> None:
    assert Columns.resolve(found).is_pairs is is_pairs


def test_the_id_of_a_row_of_pairs_is_none_of_a_question() -> None:
    names = Columns.resolve(["id", "question1", "question2"]).names
    with_both = Columns.resolve(["id", "qid1", "qid2", "question1", "question2"]).names

    assert "id" not in names
    assert (with_both["id"], with_both["id2"]) == ("qid1", "qid2")


def test_tags_stand_for_a_category_where_there_is_none() -> None:
    assert Columns.resolve(["title", "tags"]).names["category"] == "tags"
    assert Columns.resolve(["title", "tags", "category"]).names["category"] == "category"
    assert "category" not in Columns.resolve(["title", "tags"], {"category": ""}).names


@pytest.mark.parametrize(
    ("found", "column"),
    [
        (["_key", "title"], "_key"),
        (["#", "Tracker", "Subject"], "#"),
        (["#", "title"], None),
        (["id", "_key", "title"], "id"),
    ],
)
def test_a_number_of_the_line_is_no_id_but_redmines_is(
    found: list[str], column: str | None
) -> None:
    assert Columns.resolve(found).names.get("id") == column


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"titel": "title"}, "--map titel=title: no such field; there are id, title"),
        ({"title": "heading"}, "--map title=heading: no such column; found 'id', 'title'"),
        ({"title": "meta.heading"}, "no such column"),
    ],
)
def test_a_choice_of_what_is_not_there_says_what_is(chosen: dict[str, str], said: str) -> None:
    with pytest.raises(UnreadableArchiveError, match=said):
        Columns.resolve(["id", "title"], chosen)


def test_a_part_of_a_nested_column_may_be_chosen() -> None:
    names = Columns.resolve(["meta"], {"title": "meta.heading"}, is_nested=True).names

    assert names["title"] == "meta.heading"


def test_not_more_than_twenty_columns_are_named() -> None:
    found = [f"column {n}" for n in range(40)]

    with pytest.raises(UnreadableArchiveError) as caught:
        Columns.resolve(found)

    assert "'column 19'" in str(caught.value)
    assert "'column 20'" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("users", True),
        ("wp_users", True),
        ("forum.Members", True),
        ("data.users.nodes", True),
        ("data.discussions.edges.node", False),
        ("data.discussions.nodes", False),
        ("nodes", True),
        ("topics", False),
        ("user_questions", False),
        ("answers", True),
        ("", False),
    ],
)
def test_tables_of_persons_and_categories_are_told_by_their_names(
    name: str, *, others: bool
) -> None:
    assert is_of_others(name) is others


@given(st.text(max_size=20))
@example("\u13a0\u1d2c\u0345")
def test_a_plain_name_stays_as_it_is(column: str) -> None:
    once = plain_name(column)

    assert plain_name(once) == once
    assert once == once.casefold()
