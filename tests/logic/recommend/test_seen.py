"""What a reader has seen, as prints in a ring."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick

from streams.logic.recommend.seen import PRINT_BYTES, Seen, print_of

MOST = 5


def ring(*items: str, most: int = MOST) -> Seen:
    seen = Seen(most)
    for item in items:
        seen.add(item)
    return seen


def test_prints_are_the_same_for_all_time() -> None:
    # They are stored: another hash would make every reader forget.
    assert [print_of(item) for item in ("", "item 1", "Zürich")] == [634351890, 2865626818, 1159657423]


def test_beyond_its_size_what_came_first_goes() -> None:
    seen = ring(*"abcdefg")
    assert seen.prints() == {print_of(item) for item in "cdefg"}
    assert len(seen.dump()) == MOST * PRINT_BYTES


def test_what_comes_again_takes_no_second_place() -> None:
    assert ring(*"abab").prints() == {print_of("a"), print_of("b")}
    assert len(ring(*"abababab")) == 2


def test_a_ring_of_no_size_keeps_nothing() -> None:
    assert len(ring("a", most=0)) == 0


def test_prints_cut_short_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of item size"):
        Seen(MOST).load(b"\1\2\3")


@quick
@given(st.lists(st.integers(0, 20).map(str)), st.lists(st.integers(0, 20).map(str)), st.integers(0, 8))
def test_one_that_was_restored_goes_on_as_one_that_was_never_disturbed(
    before: list[str], after: list[str], most: int
) -> None:
    seen, restored = ring(*before, most=most), Seen(most)
    restored.load(seen.dump())
    for item in after:
        seen.add(item)
        restored.add(item)
    assert restored.dump() == seen.dump()
    assert len(seen) <= most


@quick
@given(st.lists(st.integers(0, 40).map(str), unique=True), st.integers(0, 8))
def test_a_smaller_ring_keeps_the_latest(items: list[str], most: int) -> None:
    smaller = Seen(most)
    smaller.load(ring(*items, most=20).dump())
    assert smaller.prints() == {print_of(item) for item in items[-20:][max(0, len(items[-20:]) - most) :]}


def test_hardly_any_item_passes_for_one_that_was_seen() -> None:
    prints = ring(*(f"seen {number}" for number in range(1000)), most=1000).prints()
    wrong = sum(print_of(f"new {number}") in prints for number in range(100_000))
    # 0.023 are expected: two or more in one of 3,700 hashes.
    assert wrong <= 1
