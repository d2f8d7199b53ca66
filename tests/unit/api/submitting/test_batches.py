"""Batches: what is refused of them, and why."""

from api.submitting.batches import sort_out


def test_a_batch_is_sorted_out_item_by_item() -> None:
    items = [
        {"id": "a", "title": "How do I boil an egg?"},
        {"id": "b", "title": ""},
        {"id": "a", "title": "How do I fry an egg?"},
        "egg",
        {"id": "\ud83d", "title": "egg"},
        {"id": "c", "title": "Best train to Rome"},
    ]

    accepted, refused = sort_out(items)

    assert {index: item.id for index, item in accepted.items()} == {0: "a", 5: "c"}
    assert [(item.index, item.id) for item in refused] == [
        (1, "b"),
        (2, "a"),
        (3, None),
        (4, None),
    ]
    assert [item.errors[0].pointer for item in refused] == [
        "#/questions/1/title",
        "#/questions/2/id",
        "#/questions/3",
        "#/questions/4/id",
    ]
