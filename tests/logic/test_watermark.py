"""Event time of all input partitions: who may hold it back, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick

from streams.logic.watermark import Watermark, _Partition

if TYPE_CHECKING:
    from streams.logic.stall import Place

HOUR = 3600.0
DAY = 24 * HOUR
NOW = 1_790_000_000.0
LATENESS = 120.0


A, B, C = ("news", 0), ("news", 1), ("social", 0)


class Desk:
    """A watermark that hears signals and heartbeats; heartbeats are a second apart."""

    def __init__(self, *expected: Place, started: float = 0.0) -> None:
        self.watermark = Watermark(expected, idle_seconds=30.0, max_skew=900.0, started=started)
        self.now = started

    def signal(self, place: Place, time: float) -> float | None:
        self.watermark.update(*place, time, caught_up=False, idle=False, heard=self.now)
        return self.watermark.value(self.now)

    def beat(
        self, *, lag: dict[Place, float | None] | None = None, done: dict[Place, float | None] | None = None,
        idle: dict[Place, float | None] | None = None, after: float = 1.0,
    ) -> float | None:  # fmt: skip
        self.now += after
        for places, caught_up, is_idle in ((lag, False, False), (done, True, False), (idle, True, True)):
            for place, time in (places or {}).items():
                self.watermark.update(*place, time, caught_up=caught_up, idle=is_idle, heard=self.now)
        return self.watermark.value(self.now)


def test_nothing_is_known_before_every_partition_is() -> None:
    desk = Desk(A, B)
    assert desk.beat() is None
    assert desk.signal(A, 1_000) is None
    assert desk.signal(B, 800) == 800


def test_it_is_the_least_of_those_with_messages_left() -> None:
    desk = Desk(A, B, C)
    assert desk.beat(lag={A: 1_000_000, B: 500, C: 2_000}) == 500
    assert desk.signal(B, 700) == 700
    assert desk.signal(B, 1_500_000) == 2_000


def test_lag_holds_back_without_limit_also_where_no_time_is_known_yet() -> None:
    desk = Desk(A, B)
    for step in range(100):
        desk.signal(A, step * DAY)
        assert desk.beat(lag={A: step * DAY, B: None}) is None
    assert desk.signal(B, 5.0) == 5.0


def test_read_to_its_end_it_holds_back_by_the_skew_at_most() -> None:
    desk = Desk(A, B)
    assert desk.beat(lag={A: 10_000}, done={B: 9_500}) == 9_500
    assert desk.beat(lag={A: 20_000}, done={B: 9_500}) == 20_000 - 900
    assert desk.beat(lag={A: 30_000}, done={B: None}) == 30_000 - 900


def test_an_idle_partition_holds_nobody_back() -> None:
    desk = Desk(A, B, C)
    assert desk.beat(lag={A: 10_000}, idle={B: 100, C: None}) == 10_000


def test_silence_counts_as_of_when_it_was_told() -> None:
    # Both are written at the same moment; the first is read at once, while the other was last said to be idle.
    desk = Desk(A, B)
    desk.beat(idle={A: 1_000, B: 1_000})
    for time in (5_000, 90_000, 400_000):
        assert desk.signal(A, time) == 1_000
    assert desk.signal(B, 2_000) == 2_000
    assert desk.beat(lag={A: 400_000, B: 2_000}) == 2_000


def test_it_does_not_matter_how_often_the_value_is_asked_for() -> None:
    desk = Desk(A, B)
    desk.beat(idle={A: 1_000, B: 1_000})
    desk.watermark.update(*B, 1_001, caught_up=True, idle=True, heard=desk.now)
    desk.watermark.update(*A, 90_000, caught_up=False, idle=False, heard=desk.now)
    assert desk.watermark.value(desk.now) == 1_001


def test_silence_told_before_anything_was_known_lets_nobody_pass() -> None:
    desk = Desk(A, B)
    desk.beat(idle={A: None, B: None})
    assert desk.signal(A, 90_000) is None
    assert desk.beat(lag={A: 90_000}, idle={B: None}) == 90_000


def test_silence_told_again_lets_the_others_pass() -> None:
    desk = Desk(A, B)
    desk.beat(idle={A: 1_000, B: 1_000})
    desk.signal(A, 5_000)
    assert desk.beat(done={A: 5_000}, idle={B: 1_001}) == 5_000


def test_where_all_are_idle_it_is_the_greatest_and_goes_on_with_time() -> None:
    desk = Desk(A, B, C)
    assert desk.beat(idle={A: 400, B: 10_000, C: None}) == 10_000
    assert desk.beat(idle={A: 401, B: 10_001, C: None}) == 10_001


def test_an_idle_partition_whose_worker_is_new_goes_on_from_what_was_known() -> None:
    desk = Desk(A)
    desk.beat(idle={A: 5_000})
    # A day passes, of which nothing is known, since no worker was there.
    assert desk.beat(done={A: None}, after=DAY) == 5_000
    assert desk.beat(idle={A: None}, after=30) == 5_000
    assert desk.beat(idle={A: None}) == 5_001
    assert desk.beat(idle={A: None}, after=2) == 5_003


def test_one_that_nobody_speaks_of_is_waited_for_only_so_long() -> None:
    desk = Desk(A, B)
    for beat in range(1, 31):
        assert desk.beat(lag={A: 1_000.0 + beat}) is None
    assert desk.beat(lag={A: 2_000}) == 2_000
    assert desk.beat(lag={A: 3_000, B: 2_500}) == 2_500
    for _ in range(30):
        assert desk.beat(lag={A: 3_000}) == 2_500
    assert desk.beat(lag={A: 3_000}) == 3_000


def test_where_nobody_speaks_at_all_time_stands_still() -> None:
    desk = Desk(A, B)
    desk.beat(lag={A: 100, B: 200})
    assert desk.beat(after=DAY) == 100


def test_it_never_goes_back() -> None:
    desk = Desk(A, B)
    desk.beat(idle={A: 10_000, B: 10_000})
    assert desk.signal(B, 3_000) == 10_000
    assert desk.beat(lag={A: 2_000, B: 3_000}) == 10_000


def test_one_that_was_not_expected_is_waited_for_once_it_is_told_of() -> None:
    desk = Desk(A)
    desk.beat(lag={A: 1_000, B: 400})
    assert desk.signal(A, 2_000) == 400


def test_a_replay_of_unevenly_read_partitions_makes_no_signal_late() -> None:
    # A week of messages, one a minute in each, all there from the start: one partition is read far ahead of the other.
    desk = Desk(A, B, C)
    desk.beat(idle={A: None, B: None, C: None})
    week = [minute * 60.0 for minute in range(7 * 24 * 60)]
    read = {A: 0, B: 0}
    speed = {A: 400, B: 90}
    while any(done < len(week) for done in read.values()):
        for place, many in speed.items():
            for time in week[read[place] : read[place] + many]:
                before = desk.watermark.value(desk.now)
                assert before is None or before <= time
                desk.signal(place, time - LATENESS)
            read[place] = min(len(week), read[place] + many)
        told = {place: week[done - 1] - LATENESS for place, done in read.items()}
        lag = {place: time for place, time in told.items() if read[place] < len(week)}
        desk.beat(lag=lag, done={place: time for place, time in told.items() if place not in lag}, idle={C: None})
    assert desk.beat(idle={A: week[-1], B: week[-1], C: None}) == week[-1]


_beats = st.lists(
    st.tuples(
        st.sampled_from([A, B, C]),
        st.none() | st.integers(0, 100_000),
        st.sampled_from(["signal", "lag", "done", "idle", "idle", "value"]),
        st.sampled_from([0.0, 0.5, 1.0, 20.0, 40.0]),
    ),
    max_size=50,
)


def play(watermark: Watermark, beats: list[tuple[Place, int | None, str, float]], now: float) -> list[float | None]:
    values = []
    for place, time, state, after in beats:
        now += after
        if state != "value":
            known = None if time is None else float(time)
            watermark.update(*place, known, caught_up=state in {"done", "idle"}, idle=state == "idle", heard=now)
        values.append(watermark.value(now))
    return values


@quick
@given(_beats)
def test_whatever_is_told_it_never_goes_back_nor_past_all_that_was_told(
    beats: list[tuple[Place, int | None, str, float]],
) -> None:
    values = [value for value in play(Desk(A, B, C).watermark, beats, 0.0) if value is not None]
    assert values == sorted(values)
    told = [time for _, time, state, _ in beats if time is not None and state != "value"]
    resting = sum(after for *_, after in beats)
    assert not values or values[-1] <= max(told) + resting


@quick
@given(_beats, _beats)
def test_what_was_dumped_and_loaded_goes_on_alike(
    before: list[tuple[Place, int | None, str, float]], after: list[tuple[Place, int | None, str, float]]
) -> None:
    kept, restored = Desk(A, B, C).watermark, Desk(A, B, C).watermark
    play(kept, before, 0.0)
    restored.load(kept.dump())
    now = sum(step[-1] for step in before)
    assert restored.value(now) == kept.value(now)
    assert play(restored, after, now) == play(kept, after, now)
    assert restored.dump() == kept.dump()


def test_after_a_restart_nobody_counts_as_silent_yet() -> None:
    desk = Desk(A, B)
    desk.beat(lag={A: 100, B: 200})
    again = Desk(A, B, started=DAY)
    again.watermark.load(desk.watermark.dump())
    assert again.watermark.value(DAY + 1) == 100
    assert again.beat(lag={A: 300}) == 200
    assert again.beat(lag={A: 300}, after=DAY) == 300


def test_where_nobody_spoke_at_all_no_silence_is_one_partitions_own() -> None:
    desk = Desk(A, B)
    desk.beat(lag={A: 100, B: 200})
    desk.watermark.resume(DAY)
    assert desk.beat(lag={A: 300}, after=DAY) == 200
    assert desk.beat(lag={A: 400}, after=DAY) == 400


def test_a_partition_that_is_new_since_the_dump_is_waited_for() -> None:
    desk = Desk(A)
    desk.beat(lag={A: 100})
    again = Desk(A, B)
    again.watermark.load(desk.watermark.dump())
    assert again.signal(A, 500) == 100
    assert again.signal(B, 400) == 400


@pytest.mark.parametrize("state", [b"", b"\xc1", msgspec.msgpack.encode({"value": 1})])
def test_what_is_no_state_is_refused(state: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Desk(A).watermark.load(state)


class Plain(Watermark):
    """Looks at every partition whenever it is asked."""

    def value(self, now: float) -> float | None:
        self._let_go()
        waited_for = [told for told in self._partitions.values() if now - told.heard <= 30.0]
        known = [told.reached for told in waited_for if told.reached is not None]
        if known and len(known) == len(waited_for):
            self._value = min(known) if self._value is None else max(self._value, min(known))
        return self._value


PLACES = [("news", number) for number in range(6)]


def both(*expected: Place) -> tuple[Watermark, Plain]:
    return (
        Watermark(expected, idle_seconds=30.0, max_skew=15.0, started=0.0),
        Plain(expected, idle_seconds=30.0, max_skew=15.0, started=0.0),
    )


# Times that are often equal, clocks that go back, and silences about as long as is waited for.
_moves = st.tuples(
    st.sampled_from(PLACES),
    st.none() | st.integers(0, 40).map(float),
    st.sampled_from([(False, False), (False, False), (True, False), (True, True), (False, True)]),
    st.sampled_from([-40.0, -3.0, -0.25, 0.0, 0.0, 0.25, 1.0, 12.0, 29.75, 30.0, 30.25, 61.0]),
    st.sampled_from([0.0, 0.0, -31.0, -30.0, 2.0]),
    st.sampled_from(["ask", "ask", "do not ask", "load"]),
)


@quick
@given(st.sets(st.sampled_from(PLACES)), st.lists(_moves, max_size=120))
def test_it_is_what_a_look_at_every_partition_would_find(expected: set[Place], moves: list[tuple[Any, ...]]) -> None:
    clocks = both(*sorted(expected))
    now = 0.0
    for place, watermark, (caught_up, idle), passes, said_before, then in moves:
        now += passes
        for clock in clocks:
            clock.update(*place, watermark, caught_up=caught_up, idle=idle, heard=now + said_before)
        if then == "load":
            fresh = both(*sorted(expected))
            for clock, again in zip(clocks, fresh, strict=True):
                again.load(clock.dump())
            clocks = fresh
        if then != "do not ask":
            assert clocks[0].value(now) == clocks[1].value(now)
        assert clocks[0].dump() == clocks[1].dump()


def test_one_that_was_silent_by_another_workers_clock_is_waited_for_again() -> None:
    for clock in both(A, B):
        clock.update(*A, 100.0, caught_up=False, idle=False, heard=0.0)
        clock.update(*B, None, caught_up=False, idle=False, heard=31.0)
        assert clock.value(31.0) is None
        clock.update(*B, 500.0, caught_up=False, idle=False, heard=31.0)
        assert clock.value(20.0) == 100.0
        assert clock.value(31.0) == 500.0


def test_a_signal_costs_no_more_among_many_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    reached, looks = _Partition.reached.fget, 0

    def counted(partition: _Partition) -> float | None:
        nonlocal looks
        looks += 1
        return reached(partition)  # type: ignore[no-any-return, misc]

    monkeypatch.setattr(_Partition, "reached", property(counted))
    for count in (10, 1000):
        places = [("news", number) for number in range(count)]
        made = Watermark(places, idle_seconds=30.0, max_skew=900.0, started=0.0)
        for place in places:
            made.update(*place, 0.0, caught_up=False, idle=False, heard=0.0)
        made.value(0.0)
        looks = 0
        for step in range(4000):
            made.update("news", step % count, float(step), caught_up=False, idle=False, heard=step / 100)
            assert made.value(step / 100) == max(0, step + 1 - count)
        assert looks < 4 * 4000
