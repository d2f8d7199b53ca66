import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.cache import TimedCache
from api.submitting.backpressure import retry_after_s


@pytest.mark.parametrize(
    ("pending", "rate", "seconds"),
    [
        (100, 5.0, 2),  # ten too many
        (100, 3.0, 4),
        (100, 1_000.0, 1),
        (10_000, 0.1, 600),
        (100, 0.0, 60),
    ],
)
def test_the_pause_follows_from_what_is_too_much_and_how_fast_it_goes(
    pending: int, rate: float, seconds: int
) -> None:
    assert retry_after_s(pending, 100, rate=rate) == seconds


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.floats(0, 1e6))
def test_the_pause_is_always_bounded(pending: int, limit: int, rate: float) -> None:
    assert 1 <= retry_after_s(pending, limit, rate=rate) <= 600


def test_a_cache_forgets_in_time_and_never_grows_past_its_size() -> None:
    kept: TimedCache[int, str] = TimedCache(60, size=3)
    off: TimedCache[int, str] = TimedCache(0)
    off.put(1, "one")
    for number in range(10):
        kept.put(number, str(number))

    assert off.find(1) is None
    assert kept.find(9) == "9"
    assert sum(kept.find(number) is not None for number in range(10)) <= 3
