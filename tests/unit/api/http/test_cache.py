"""A cache that is full forgets, but not because a value that it has is put again."""

from api.http.cache import TimedCache


def test_a_full_cache_keeps_its_values_when_one_of_them_is_put_again() -> None:
    kept: TimedCache[int, str] = TimedCache(60, size=3)
    for number in range(3):
        kept.put(number, "old")

    kept.put(1, "new")

    assert [kept.find(number) for number in range(3)] == ["old", "new", "old"]


def test_a_new_value_never_makes_it_larger_than_it_may_be() -> None:
    kept: TimedCache[int, str] = TimedCache(60, size=3)

    for number in range(20):
        kept.put(number, "x")
        assert kept.find(number) == "x"
        assert sum(kept.find(one) is not None for one in range(20)) <= 3
