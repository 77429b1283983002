"""What all readers did, by item."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick
from support.recommend import HOUR, NOW

from streams.logic.recommend.counts import ItemCounts

DAY = 24 * HOUR


def popular(counts: ItemCounts, limit: int, *, over: frozenset[str] = frozenset(), now: float = NOW) -> list[str]:
    return list(islice(counts.popular(now, lambda item: item not in over), limit))


def test_after_its_half_life_a_behavior_counts_for_half() -> None:
    counts = ItemCounts(DAY, 100)
    counts.observe("a", 1.0, NOW)
    counts.observe("b", 1.0, NOW + DAY)
    assert counts.popularity(["a", "b", "c"], NOW + DAY) == pytest.approx([0.5, 1.0, 0.0])
    assert counts.popularity(["a", "b", "c"], NOW + 2 * DAY) == pytest.approx([0.25, 0.5, 0.0])


@pytest.mark.parametrize("days", [59, 61, 500, 5000])
def test_however_long_it_runs_weights_neither_vanish_nor_overflow(days: int) -> None:
    counts = ItemCounts(DAY, 100)
    counts.observe("old", 1.0, NOW)
    for day in range(0, days, 7):
        counts.observe("kept", 1.0, NOW + day * DAY, [("old", 1.0)])
    end = NOW + (days - 1) // 7 * 7 * DAY
    assert counts.popularity(["kept"], end)[0] == pytest.approx(1.0, abs=0.02)
    # One behavior of late and all those before it, of which hardly anything is left.
    row = counts._row["kept"]
    beside = counts._together[row][counts._beside[row] == counts._row["old"]] / counts._growth(end)
    assert beside[0] == pytest.approx(1.0, abs=0.02)


@quick
@given(st.permutations(range(6)), st.lists(st.floats(0, 30), min_size=6, max_size=6))
def test_the_order_in_which_behaviors_are_told_does_not_matter(order: list[int], days: list[float]) -> None:
    one, other = ItemCounts(DAY, 100), ItemCounts(DAY, 100)
    for counts, places in ((one, range(6)), (other, order)):
        for place in places:
            counts.observe(f"i{place % 3}", 1.0, NOW + days[place] * DAY)
    names, now = ["i0", "i1", "i2"], NOW + 30 * DAY
    assert one.popularity(names, now) == pytest.approx(other.popularity(names, now), rel=1e-6)


def test_the_most_popular_come_first() -> None:
    counts = ItemCounts(DAY, 100)
    for name, times in (("a", 1), ("b", 3), ("c", 2)):
        for _ in range(times):
            counts.observe(name, 1.0, NOW)
    assert popular(counts, 2) == ["b", "c"]
    counts.forget(["b"])
    assert popular(counts, 2) == ["c", "a"]


def test_what_is_over_takes_no_place_among_the_popular() -> None:
    counts = ItemCounts(DAY, 5000)
    for number in range(2000):
        counts.observe(f"i{number}", 2000.0 - number, NOW)
    over = frozenset(f"i{number}" for number in range(1500))
    assert popular(counts, 3, over=over) == ["i1500", "i1501", "i1502"]
    # What has ended since is passed over too, and all that are left come.
    over |= {"i1501"}
    assert popular(counts, 3, over=over) == ["i1500", "i1502", "i1503"]
    assert len(popular(counts, 5000, over=over)) == 499


def test_what_is_over_is_passed_over_once_and_not_for_each_reader() -> None:
    counts = ItemCounts(DAY, 5000)
    for number in range(2000):
        counts.observe(f"i{number}", 2000.0 - number, NOW)
    asked: list[str] = []

    def is_live(item: str) -> bool:
        asked.append(item)
        return int(item[1:]) >= 1900

    for _ in range(10):
        assert next(counts.popular(NOW, is_live)) == "i1900"
    assert len(asked) < 2000


def test_an_item_that_comes_back_is_popular_again_within_a_minute() -> None:
    counts = ItemCounts(DAY, 5000)
    for number in range(1000):
        counts.observe(f"i{number}", 1000.0 - number, NOW)
    assert popular(counts, 1, over=frozenset({"i0"})) == ["i1"]
    assert popular(counts, 1, now=NOW + 60) == ["i0"]


def test_items_that_are_read_together_are_told_by_the_cosine_of_their_counts() -> None:
    counts = ItemCounts(1e12, 100)
    readers = (["a", "b"], ["a", "b"], ["a", "c"], ["d"])
    for read in readers:
        for at, item in enumerate(read):
            counts.observe(item, 1.0, NOW, [(before, 1.0) for before in read[:at]])
    scores = counts.scores_of(["a", "b", "c", "d", "e"], counts.together([("a", 1.0)]))
    assert scores == pytest.approx([0.0, 2 / 6**0.5, 1 / 3**0.5, 0.0, 0.0])
    assert list(counts.best(counts.together([("a", 1.0)]))) == ["b", "c"]
    # Told of both sides, since whichever is read first, the other may follow.
    assert counts.scores_of(["a"], counts.together([("c", 2.0)])) == pytest.approx([2 / 3**0.5])


@quick
@given(st.lists(st.tuples(st.integers(0, 60), st.lists(st.integers(0, 60), max_size=6)), max_size=120))
def test_it_stays_within_its_bounds_and_never_pairs_with_what_is_gone(told: list[tuple[int, list[int]]]) -> None:
    counts = ItemCounts(DAY, 20, neighbours=4)
    for item, before in told:
        counts.observe(f"i{item}", 1.0, NOW, [(f"i{other}", 1.0) for other in before if other != item])
        assert len(counts) <= 20
    names = [f"i{item}" for item in range(61)]
    alive = {name for name, count in zip(names, counts.popularity(names, NOW), strict=True) if count > 0}
    assert set(counts.best(counts.together([(name, 1.0) for name in names]))) <= alive
    assert counts._beside.shape[1] == 4
    assert set(counts._beside[counts._beside >= 0].tolist()) <= set(counts._row.values())


def test_a_full_table_lets_the_least_popular_go() -> None:
    counts = ItemCounts(DAY, 3)
    for name, times in (("a", 2), ("b", 1), ("c", 3), ("d", 2)):
        for _ in range(times):
            counts.observe(name, 1.0, NOW)
    assert counts.popularity(["a", "b", "c", "d"], NOW).tolist() == [2.0, 0.0, 3.0, 2.0]


def test_a_full_row_of_neighbours_lets_the_weakest_go() -> None:
    counts = ItemCounts(1e12, 100, neighbours=2)
    for before, times in (("a", 3), ("b", 1), ("c", 2)):
        counts.observe(before, 1.0, NOW)
        for _ in range(times):
            counts.observe("x", 1.0, NOW, [(before, 1.0)])
    assert set(counts.best(counts.together([("x", 1.0)]))) == {"a", "c"}
