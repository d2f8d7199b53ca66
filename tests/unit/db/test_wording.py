from db.wording import counted


def test_one_of_a_thing_is_no_plural() -> None:
    assert counted(1, "question") == "1 question"
    assert [counted(count, "question") for count in (0, 2)] == ["0 questions", "2 questions"]
    assert counted(1_000, "row was", "rows were") == "1,000 rows were"
