"""Ids that a form sends, whoever wrote the form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.reviewing.deciding import ids_of, versions_of
from db.errors import InvalidInputError

IDS = st.integers(0, 10**18 - 1)


@given(st.lists(IDS, min_size=1, max_size=200), st.sampled_from([" ", ",", ", ", "\n"]))
def test_ids_come_back_in_their_order(ids: list[int], between: str) -> None:
    assert ids_of(between.join(map(str, ids))) == ids


@pytest.mark.parametrize(
    "text",
    ["", " ", ",", "a", "1 b", "-1", "1.5", "+1", "\u0661", "9" * 19, " ".join("1" * 201), "1;2"],
)
def test_what_is_no_list_of_ids_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(InvalidInputError, match="reload the page"):
        ids_of(text)


@given(st.dictionaries(IDS, IDS, min_size=1, max_size=50))
def test_each_pair_keeps_its_version(versions: dict[int, int]) -> None:
    text = " ".join(f"{pair}:{version}" for pair, version in versions.items())

    assert versions_of(text) == versions


@pytest.mark.parametrize(
    "text", ["", "1", "1:", ":1", ":5 3:1", "1:2,3", "1,2:3", "1:2:3", "1:a", "a:1", "1:2 3", ":"]
)
def test_versions_that_are_not_whole_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        versions_of(text)


@given(st.text(alphabet="0123456789:, a-", max_size=20))
def test_whatever_is_sent_it_is_read_or_refused(text: str) -> None:
    try:
        found = versions_of(text)
    except InvalidInputError:
        return
    assert found
    assert text.split() == [f"{part}" for part in text.split() if part.count(":") == 1]
