from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.properties import quick

from streams.logic.waiting import WaitingLine


def line(*items: tuple[str, int, float], room: int = 10, patience: float = 5.0) -> WaitingLine[str]:
    made: WaitingLine[str] = WaitingLine(room, patience)
    for item in items:
        made.add(*item)
    return made


def test_who_has_waited_for_too_long_leaves_and_the_others_stay() -> None:
    waiting = line(("a", 0, 0.0), ("b", 0, 3.0), ("c", 0, 4.0))
    assert waiting.take_late(4.9) == []
    assert waiting.take_late(8.0) == ["a", "b"]
    assert list(waiting) == ["c"]


def test_beyond_the_room_the_front_leaves_since_it_has_waited_the_longest() -> None:
    waiting = line(*((str(number), 0, 0.0) for number in range(5)), room=3)
    assert waiting.take_late(0.0) == ["0", "1"]
    assert list(waiting) == ["2", "3", "4"]


def test_nobody_leaves_before_one_of_the_same_lane_who_still_waits() -> None:
    waiting = line(("young", 0, 9.0), ("old behind it", 0, 0.0), ("old elsewhere", 1, 0.0))
    assert waiting.take_late(10.0) == ["old elsewhere"]
    assert list(waiting) == ["young", "old behind it"]


def test_the_first_are_looked_at_and_stay_until_they_are_served() -> None:
    waiting = line(("a", 0, 0.0), ("b", 1, 0.0), ("c", 0, 0.0))
    assert waiting.look(2) == ["a", "b"]
    assert len(waiting) == 3
    waiting.served(["a"])
    assert waiting.look(9) == ["b", "c"]


def test_it_tells_when_the_first_will_have_waited_for_too_long() -> None:
    assert line().late_in(0.0) is None
    assert line(("a", 0, 2.0)).late_in(3.0) == 4.0
    assert line(("a", 0, 2.0), ("b", 0, 2.0), room=1).late_in(3.0) == 0.0


_items = st.lists(st.tuples(st.integers(0, 2), st.floats(0, 10)), max_size=30)


@settings(quick)
@given(_items, st.integers(0, 8), st.lists(st.floats(0, 20), min_size=1, max_size=6), st.integers(1, 4))
def test_everybody_leaves_once_and_each_lane_in_its_order(
    items: list[tuple[int, float]], room: int, looks: list[float], size: int
) -> None:
    waiting: WaitingLine[tuple[int, int]] = WaitingLine(room, 5.0)
    for number, (lane, since) in enumerate(items):
        waiting.add((lane, number), lane, since)
    left: list[tuple[int, int]] = []
    for now in sorted(looks):
        left += waiting.take_late(now)
        assert len(waiting) <= room
        served = waiting.look(size)
        waiting.served(served)
        left += served
    left += list(waiting)
    assert sorted(number for _, number in left) == list(range(len(items)))
    for lane in range(3):
        of_lane = [number for its_lane, number in left if its_lane == lane]
        assert of_lane == sorted(of_lane)
