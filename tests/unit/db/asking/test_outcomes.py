"""Bands of scores, as suggestions are counted by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.asking.outcomes import BANDS, band_of


@pytest.mark.parametrize("step", range(201))
def test_a_score_of_a_check_is_in_the_band_that_begins_at_or_below_it(step: int) -> None:
    assert band_of(step / 200) == min(BANDS - 1, step // 10)


@given(st.floats(-1, 2), st.floats(-1, 2))
def test_a_higher_score_is_never_in_a_lower_band(one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert 0 <= band_of(low) <= band_of(high) < BANDS
