"""The clock of one input partition: what its messages may say of time, and what they may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick

from streams.logic.watermark import SourceClock

HOUR = 3600.0
DAY = 24 * HOUR
YEAR = 365 * DAY
NOW = 1_790_000_000.0
LATENESS = 120.0


def clock(*event_times: float, kafka_time: float = NOW) -> SourceClock:
    """A clock that has seen messages of these times, all of which came now."""
    made = SourceClock(allowed_lateness=LATENESS, max_future=300.0)
    for event_time in event_times:
        made.observe(event_time, kafka_time)
    return made


def reached(made: SourceClock) -> float | None:
    """The greatest trusted event time."""
    return None if made.watermark is None else made.watermark + LATENESS


def test_a_clock_follows_the_greatest_time_less_the_lateness() -> None:
    made = clock(NOW - 50, NOW - 50)
    assert [made.observe(time, NOW) for time in (NOW - 40, NOW - 45, NOW - 30)] == [
        NOW - 40 - LATENESS,
        NOW - 40 - LATENESS,
        NOW - 30 - LATENESS,
    ]


def test_a_first_message_says_nothing_until_a_second_one_comes() -> None:
    assert clock().watermark is None
    assert clock(NOW - 50).watermark is None
    assert reached(clock(NOW - 50, NOW - 40)) == NOW - 50


@pytest.mark.parametrize("bad", [[NOW], [NOW - 10 * YEAR]])
def test_a_replay_that_begins_with_a_wrong_date_finds_its_time(bad: list[float]) -> None:
    start = NOW - 5 * YEAR
    assert reached(clock(*bad, start, start + 10, start + 20)) in {start, start + 10, start + 20}


def test_a_message_dated_in_the_future_counts_for_nothing() -> None:
    made = clock(NOW - 50, NOW - 50)
    for _ in range(5):
        made.observe(NOW + 301, NOW)
        made.observe(NOW + YEAR, NOW)
    assert reached(made) == NOW - 50
    assert clock(NOW + YEAR, NOW + YEAR).watermark is None


def test_a_clock_never_passes_the_time_when_its_messages_came() -> None:
    assert reached(clock(NOW - 50, NOW - 50, NOW + 299)) == NOW


@pytest.mark.parametrize("behind", [10.0, HOUR, DAY, 20 * YEAR])
def test_a_message_behind_never_moves_the_clock(behind: float) -> None:
    assert reached(clock(NOW - 50, NOW - 50, *[NOW - 50 - behind] * 3)) == NOW - 50


def test_up_to_an_hour_ahead_needs_no_confirmation() -> None:
    start = NOW - DAY
    assert reached(clock(start, start, start + HOUR)) == start + HOUR
    assert reached(clock(start, start, start + HOUR + 1)) == start


def test_a_jump_is_confirmed_by_the_very_next_message_and_goes_to_the_lesser_of_both() -> None:
    start = NOW - DAY
    two, three = start + 2 * HOUR, start + 3 * HOUR
    assert reached(clock(start, start, two, three)) == two
    assert reached(clock(start, start, three, two)) == two
    assert reached(clock(start, start, three, start + 60, two)) == start + 60


def test_a_jump_that_is_itself_still_ahead_of_the_confirmed_time_waits_for_the_next() -> None:
    start = NOW - DAY
    made = clock(start, start, start + 2 * HOUR, start + 8 * HOUR)
    assert reached(made) == start + 2 * HOUR
    made.observe(start + 9 * HOUR, NOW)
    assert reached(made) == start + 8 * HOUR


def test_what_is_not_trusted_neither_confirms_a_jump_nor_ends_it() -> None:
    start = NOW - DAY
    assert reached(clock(start, start, start + 2 * HOUR, NOW + YEAR)) == start
    assert reached(clock(start, start, start + 2 * HOUR, NOW + YEAR, start + 3 * HOUR)) == start + 2 * HOUR


def test_a_single_wrong_date_in_a_replay_changes_nothing() -> None:
    times = [NOW - 7 * DAY + 20 * minute for minute in range(500)]
    for bad in (NOW, NOW - 20 * YEAR, NOW + 200):
        assert reached(clock(*times[:100], bad, *times[100:])) == reached(clock(*times))


def test_at_rest_a_clock_goes_on_with_wall_time() -> None:
    made = clock(NOW - DAY, NOW - DAY)
    made.rest(30)
    made.rest(1.5)
    assert reached(made) == NOW - DAY + 31.5
    # What comes after hours of silence, on time, is no jump then.
    made.rest(5 * HOUR)
    assert made.observe(NOW - DAY + 5 * HOUR + 60, NOW) == NOW - DAY + 5 * HOUR + 60 - LATENESS


def test_at_rest_a_lone_first_message_is_believed_and_a_lone_jump_is_not() -> None:
    first = clock(NOW - DAY)
    first.rest(30)
    assert reached(first) == NOW - DAY + 30
    jumped = clock(NOW - DAY, NOW - DAY, NOW - 60)
    jumped.rest(30)
    assert reached(jumped) == NOW - DAY + 30
    nothing = clock()
    nothing.rest(30)
    assert nothing.watermark is None


@quick
@given(st.lists(st.tuples(st.floats(-YEAR, 2 * YEAR), st.booleans()), max_size=60))
def test_a_clock_never_goes_back_nor_past_the_time_of_kafka(messages: list[tuple[float, bool]]) -> None:
    made, before = clock(), -YEAR
    for offset, rests in messages:
        made.observe(NOW - YEAR + offset, NOW)
        if rests:
            made.rest(0.0)
        now = reached(made)
        assert now is None or before <= now <= NOW
        before = before if now is None else now


@quick
@given(st.lists(st.floats(0, HOUR / 2), min_size=2, max_size=40), st.data())
def test_any_single_lie_leaves_an_honest_clock_where_it_was(times: list[float], data: st.DataObject) -> None:
    honest = [NOW - DAY + offset for offset in times]
    place = data.draw(st.integers(2, len(honest)))
    lie = data.draw(st.sampled_from([NOW + YEAR, NOW + 200, NOW, NOW - DAY + 5 * HOUR, NOW - 30 * YEAR]))
    assert reached(clock(*honest[:place], lie, *honest[place:])) == reached(clock(*honest))
