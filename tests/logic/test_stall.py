from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick

from streams.logic.stall import Position, StallDetector

NEWS, SOCIAL = ("news", 0), ("social", 1)
LAGGING = {NEWS: Position(committed=3, highwater=10)}


def test_lag_is_what_is_written_and_not_committed() -> None:
    assert Position(committed=3, highwater=10).lag == 7
    assert Position(committed=None, highwater=10).lag == 10
    assert Position(committed=10, highwater=10).lag == 0
    assert Position(committed=11, highwater=10).lag == 0
    assert Position(committed=3, highwater=None).lag == 0


def test_what_is_done_has_no_lag_whatever_the_offsets_say() -> None:
    # The end of a transaction, and what retention took away, have offsets too.
    assert Position(committed=9, highwater=10, is_done=True).lag == 0
    assert Position(committed=None, highwater=10, is_done=True).lag == 0


def test_standing_still_with_lag_is_counted_from_the_last_movement() -> None:
    detector = StallDetector(5.0)
    assert detector.observe(100.0, LAGGING) == 0.0
    assert detector.observe(103.0, LAGGING) == 3.0
    assert not detector.is_stuck(3.0)
    assert detector.observe(105.0, LAGGING) == 5.0
    assert detector.is_stuck(5.0)


def test_a_committed_offset_that_moves_starts_the_count_anew() -> None:
    detector = StallDetector(5.0)
    detector.observe(100.0, LAGGING)
    assert detector.observe(104.0, {NEWS: Position(committed=4, highwater=10)}) == 0.0
    assert detector.observe(106.0, {NEWS: Position(committed=4, highwater=10)}) == 2.0


def test_what_only_arrives_is_no_movement() -> None:
    detector = StallDetector(5.0)
    detector.observe(100.0, LAGGING)
    assert detector.observe(104.0, {NEWS: Position(committed=3, highwater=900)}) == 4.0


def test_a_first_offset_that_is_never_committed_is_seen() -> None:
    detector = StallDetector(5.0)
    for now in (100.0, 103.0):
        still_for = detector.observe(now, {NEWS: Position(committed=None, highwater=1)})
    assert still_for == 3.0


def test_a_partition_that_comes_or_goes_is_movement() -> None:
    detector = StallDetector(5.0)
    detector.observe(100.0, LAGGING)
    both = LAGGING | {SOCIAL: Position(committed=None, highwater=None)}
    assert detector.observe(104.0, both) == 0.0
    assert detector.observe(108.0, both) == 4.0
    assert detector.observe(112.0, LAGGING) == 0.0


def test_nothing_to_do_is_never_stuck_however_long() -> None:
    detector = StallDetector(5.0)
    idle = {NEWS: Position(committed=10, highwater=10)}
    assert [detector.observe(now, idle) for now in (0.0, 1e3, 1e6)] == [0.0] * 3
    # And the count of what comes then starts there.
    assert detector.observe(1e6 + 1, LAGGING) == 0.0
    assert detector.observe(1e6 + 3, LAGGING) == 2.0
    assert [detector.observe(now, {}) for now in (2e6, 3e6)] == [0.0] * 2


_positions = st.dictionaries(
    st.sampled_from([NEWS, SOCIAL]),
    st.builds(Position, st.none() | st.integers(0, 3), st.none() | st.integers(0, 3), st.booleans()),
)


@quick
@given(st.lists(st.tuples(st.floats(0, 10), _positions), min_size=1))
def test_it_counts_as_the_definition_says(steps: list[tuple[float, dict[tuple[str, int], Position]]]) -> None:
    detector, now, moved_at, before = StallDetector(1.0), 0.0, 0.0, None
    for wait, positions in steps:
        now += wait
        committed = {place: position.committed for place, position in positions.items()}
        if committed != before or not any(position.lag for position in positions.values()):
            moved_at = now
        before = committed
        assert detector.observe(now, positions) == now - moved_at


def test_an_agent_that_moves_does_not_hide_another_that_hangs() -> None:
    # Heartbeats keep signals moving for ever, whatever the model does.
    detector = StallDetector(5.0, agent_of=lambda place: place[0])
    for second in range(8):
        beating = {("signals", 0): Position(committed=second, highwater=second + 1)}
        still_for = detector.observe(100.0 + second, LAGGING | beating)
    assert still_for == 7.0


def test_an_agent_whose_partitions_all_went_is_forgotten() -> None:
    detector = StallDetector(5.0, agent_of=lambda place: place[0])
    detector.observe(100.0, LAGGING)
    assert detector.observe(104.0, {}) == 0.0
    assert detector.observe(110.0, LAGGING) == 0.0
