"""Values that cannot be stored are found wherever they stand, and their place is named."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.texts import fault_of

GOOD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)
BAD = st.one_of(
    st.sampled_from(["\0", "a\0b", "\ud800", "x\udfff", math.nan, math.inf, -math.inf]),
    st.integers(min_value=2**63),
    st.integers(max_value=-(2**63) - 1),
)
KEYS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=12,
    )


@given(nested(GOOD))
def test_what_can_be_stored_has_no_fault(value: Any) -> None:
    assert fault_of(value) is None


@given(st.lists(st.integers(0, 3) | KEYS, max_size=6), BAD)
def test_a_fault_is_found_at_any_depth_and_its_path_leads_to_it(
    path: list[int | str], bad: Any
) -> None:
    value = bad
    for step in reversed(path):
        value = [0] * step + [value] if isinstance(step, int) else {step: value, "other": "fine"}

    found = fault_of(value)

    assert found is not None
    reached = value
    for step in found.path:
        reached = reached[step]
    assert reached is bad or (reached != reached and bad != bad)  # noqa: PLR0124  # not a number


@given(KEYS, BAD.filter(lambda bad: isinstance(bad, str)))
def test_the_name_of_a_field_is_looked_at_too(outer: str, bad: str) -> None:
    found = fault_of({outer: {bad: "fine"}})

    assert found is not None
    assert found.path == (outer,)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a\0", "U+0000"),
        ("\ud83d", "half of a surrogate pair"),
        (math.nan, "must be finite"),
        (2**63, "64 bits"),
        (-(2**63) - 1, "64 bits"),
    ],
)
def test_a_fault_says_what_is_wrong(value: object, said: str) -> None:
    found = fault_of(value)

    assert found is not None
    assert said in found.detail
    assert found.path == ()


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), True, 1e308, "\U0001f95a", "\ud83e\udd5a"])
def test_values_at_the_edge_are_fine(value: object) -> None:
    if value == "\ud83e\udd5a":  # two halves that are written one by one are no character
        assert fault_of(value) is not None
    else:
        assert fault_of(value) is None
