"""Of a text in several languages one is chosen; other objects stay as they are."""

import pytest

from worker.archives.readers.values.localised import localised


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"de": "Wie?", "en": "How?"}, "How?"),
        ({"de_AT": "Wie?", "en-GB": "How?"}, "How?"),
        ({"fr": "Comment ?", "default": "Wie?"}, "Wie?"),
        ({"fr": "Comment ?", "de": "Wie?"}, "Comment ?"),
        ({"fr": "Comment ?", "en": " "}, "Comment ?"),
        ([{"lang": "de", "text": "Wie?"}, {"lang": "en", "text": "How?"}], "How?"),
        ([{"@language": "de", "@value": "Wie?"}], "Wie?"),
        ({"en": ""}, ""),
    ],
)
def test_english_is_chosen_and_otherwise_the_first_language(value: object, text: str) -> None:
    assert localised(value) == text


@pytest.mark.parametrize(
    "value",
    [
        {"id": "Ann"},
        {"name": "Ann", "id": 3},
        {"en": 3},
        {},
        [],
        "en",
        ["How?", "Why?"],
        [{"lang": "en"}],
        [{"lang": "en", "text": "How?"}, "Why?"],
        [{"language": "C++", "text": "How?"}],
    ],
)
def test_any_other_value_stays_as_it_is(value: object) -> None:
    assert localised(value) == value
