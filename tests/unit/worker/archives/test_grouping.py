"""Groups of duplicates and their guard against chains."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from worker.archives.grouping import Link, group


def links(*pairs: tuple[int, int, float]) -> list[Link]:
    return [Link(*pair) for pair in pairs]


TRIANGLES = links((1, 2, 0.95), (1, 3, 0.95), (2, 3, 0.9), (4, 5, 0.95), (4, 6, 0.95), (5, 6, 0.9))


def test_only_links_over_the_threshold_make_groups() -> None:
    found = group(links((1, 2, 0.9), (2, 3, 0.4), (5, 6, 0.8)), threshold=0.5)

    assert [list(one.members) for one in found.groups] == [[1, 2], [5, 6]]


def test_two_groups_that_hang_on_one_weak_pair_are_kept_apart() -> None:
    found = group([*TRIANGLES, Link(3, 4, 0.6)], threshold=0.5)

    assert [list(one.members) for one in found.groups] == [[1, 2, 3], [4, 5, 6]]
    assert list(found.cut) == [Link(3, 4, 0.6)]


def test_a_bridge_that_is_not_the_weakest_link_joins() -> None:
    found = group([*TRIANGLES, Link(3, 4, 0.99)], threshold=0.5)

    assert [list(one.members) for one in found.groups] == [[1, 2, 3, 4, 5, 6]]
    assert not found.cut


def test_a_single_question_on_the_weakest_link_is_marked_and_stays() -> None:
    found = group([*TRIANGLES[:3], Link(3, 9, 0.6)], threshold=0.5)

    assert [list(one.members) for one in found.groups] == [[1, 2, 3, 9]]
    assert found.groups[0].chained


def test_a_lone_pair_is_no_chain() -> None:
    (only,) = group(links((1, 2, 0.6)), threshold=0.5).groups

    assert not only.chained
    assert only.weakest == 0.6


def test_the_question_that_comes_first_by_age_or_number_is_suggested() -> None:
    star = links((1, 5, 0.9), (3, 5, 0.9), (4, 5, 0.9))
    ages = {4: datetime(2001, 1, 1, tzinfo=UTC), 1: datetime(2009, 1, 1, tzinfo=UTC)}

    (by_number,) = group(star, threshold=0.5).groups
    (by_age,) = group(star, threshold=0.5, age=ages).groups

    assert by_number.canonical == 1
    assert by_age.canonical == 4


_pairs = st.sets(
    st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda pair: pair[0] < pair[1]),
    max_size=30,
)


@given(_pairs, st.randoms(use_true_random=False))
def test_every_question_of_a_sure_link_is_in_one_group_only(
    pairs: set[tuple[int, int]], random: object
) -> None:
    scored = [Link(low, high, random.random()) for low, high in sorted(pairs)]  # type: ignore[attr-defined]
    found = group(scored, threshold=0.3)
    members = [one for some in found.groups for one in some.members]

    assert len(members) == len(set(members))
    assert set(members) == {
        end for link in scored if link.score >= 0.3 for end in (link.low, link.high)
    }


@given(_pairs, st.randoms(use_true_random=False))
def test_a_link_that_is_cut_is_the_weakest_of_its_group_and_the_only_way_across(
    pairs: set[tuple[int, int]], random: object
) -> None:
    scored = [Link(low, high, random.random()) for low, high in sorted(pairs)]  # type: ignore[attr-defined]
    found = group(scored, threshold=0.0)
    place = {one: at for at, some in enumerate(found.groups) for one in some.members}

    across = [link for link in scored if place[link.low] != place[link.high]]
    assert across == list(found.cut)
    assert all(len(found.groups[place[end]].members) > 1 for link in found.cut for end in link.ends)


LINKS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(13, 25), st.floats(0.5, 1)).map(
        lambda row: Link(*row)
    ),
    max_size=30,
)


@given(LINKS, st.permutations(range(30)))
def test_groups_do_not_hang_on_the_order_of_their_links(made: list[Link], order: list[int]) -> None:
    unique = list({(link.low, link.high): link for link in made}.values())
    mixed = [unique[place] for place in order if place < len(unique)]

    assert group(mixed, threshold=0.5) == group(unique, threshold=0.5)
