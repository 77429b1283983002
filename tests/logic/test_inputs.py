"""What a worker says of its input partitions: never more than is acknowledged, and time goes on where nothing comes."""

from __future__ import annotations

import pytest

from streams.contract.incoming import Record
from streams.contract.settings import Settings, SurgeSettings
from streams.contract.signals import UpstreamPartition
from streams.logic.inputs import InputClocks, Progress
from streams.logic.stall import Place, Position

NEWS, SOCIAL = ("news", 0), ("social", 3)
NOW = 1_790_000_000.0
SURGE = SurgeSettings(allowed_lateness_seconds=120, idle_seconds=30, max_future_seconds=300)


class Worker:
    """Input clocks, with a steady clock that starts at a hundred."""

    def __init__(self) -> None:
        self.clocks = InputClocks(Settings(surge=SURGE))
        self.steady = 100.0
        self.offsets: dict[Place, int] = {}

    def stamp(self, place: Place, *times: float | None, kafka_time: float = NOW) -> dict[Place, Progress]:
        progress = {}
        for time in times:
            offset = self.offsets.get(place, 0)
            self.offsets[place] = offset + 1
            record = Record(*place, offset, kafka_time, None, b"", ())
            progress[place] = self.clocks.observe(record, time, NOW)
        return progress

    def read(self, place: Place, *times: float | None) -> None:
        self.clocks.delivered(self.stamp(place, *times), self.steady)

    def told(self, positions: dict[Place, Position], *, after: float = 0.0) -> dict[Place, UpstreamPartition]:
        self.steady += after
        return {(part.topic, part.partition): part for part in self.clocks.report(positions, self.steady)}

    def of_news(self, position: Position, *, after: float = 0.0) -> tuple[float | None, bool, bool]:
        part = self.told({NEWS: position}, after=after)[NEWS]
        return part.watermark, part.caught_up, part.idle


def at_end(highwater: int = 2) -> Position:
    return Position(committed=highwater, highwater=highwater)


def test_a_message_is_told_of_once_it_is_acknowledged() -> None:
    worker = Worker()
    worker.read(NEWS, NOW - 60, NOW - 50)
    stamped = worker.stamp(NEWS, NOW - 10)
    assert stamped == {NEWS: Progress(3, NOW - 130)}
    assert worker.of_news(Position(2, 3)) == (NOW - 180, False, False)
    worker.clocks.delivered(stamped, worker.steady)
    assert worker.of_news(Position(2, 3)) == (NOW - 130, True, False)


def test_each_partition_has_a_clock_of_its_own() -> None:
    worker = Worker()
    worker.read(NEWS, NOW - 60, NOW - 50)
    worker.read(SOCIAL, NOW - 9_000, NOW - 9_000)
    told = worker.told({SOCIAL: Position(2, 9), NEWS: at_end()})
    assert list(told) == [NEWS, SOCIAL]
    assert told[NEWS].watermark == NOW - 180
    assert told[SOCIAL] == UpstreamPartition(
        topic="social", partition=3, watermark=NOW - 9_120, caught_up=False, idle=False
    )


def test_only_input_topics_that_are_assigned_are_told_of() -> None:
    worker = Worker()
    worker.read(NEWS, NOW, NOW)
    assert list(worker.told({("tocsin.signals", 0): at_end(), SOCIAL: at_end()})) == [SOCIAL]
    assert worker.told({}) == {}


def test_what_was_no_message_counts_as_read_and_has_no_time() -> None:
    worker = Worker()
    worker.read(NEWS, NOW - 60, NOW - 50, None, None)
    assert worker.of_news(Position(2, 4)) == (NOW - 180, True, False)


@pytest.mark.parametrize(
    ("position", "caught_up"),
    [
        (Position(None, None), False),
        (Position(None, 0), True),
        (Position(5, 5), True),
        (Position(3, 5), False),
        # Beyond the last message stands the end of a transaction.
        (Position(3, 5, is_done=True), True),
    ],
)
def test_a_partition_not_yet_read_is_at_its_end_where_nothing_is_left(position: Position, *, caught_up: bool) -> None:
    assert Worker().of_news(position) == (None, caught_up, False)


def test_a_busy_partition_is_at_its_end_though_its_commits_trail() -> None:
    worker = Worker()
    worker.read(NEWS, *[NOW - 60] * 10)
    assert worker.of_news(Position(committed=2, highwater=10))[1]
    assert not worker.of_news(Position(committed=2, highwater=11))[1]


def test_an_idle_partition_goes_on_with_the_time_since_its_last_message() -> None:
    worker = Worker()
    worker.read(NEWS, NOW - 60, NOW - 60)
    assert worker.of_news(at_end(), after=29.9) == (NOW - 180, True, False)
    assert worker.of_news(at_end(), after=0.1) == (NOW - 180 + 30, True, True)
    assert worker.of_news(at_end(), after=1.0) == (NOW - 180 + 31, True, True)
    # A signal that comes then bears the time that was told, not the older one of its own.
    assert worker.stamp(NEWS, NOW - 60) == {NEWS: Progress(3, NOW - 180 + 31)}


def test_a_message_ends_idleness_and_nothing_is_counted_twice() -> None:
    worker = Worker()
    worker.read(NEWS, NOW - 60, NOW - 60)
    worker.of_news(at_end(), after=40)
    worker.steady += 3
    worker.read(NEWS, NOW - 1_000)
    assert worker.of_news(at_end(3)) == (NOW - 180 + 40, True, False)
    assert worker.of_news(at_end(3), after=30) == (NOW - 180 + 70, True, True)


def test_a_partition_with_messages_left_is_never_idle() -> None:
    worker = Worker()
    worker.read(NEWS, NOW - 60, NOW - 60)
    assert worker.of_news(Position(2, 3), after=500) == (NOW - 180, False, False)


def test_a_partition_whose_brokers_are_silent_is_not_idle() -> None:
    # Its high-water mark stands still; what is said meanwhile comes once they are back, and is not to come late.
    worker = Worker()
    worker.read(NEWS, NOW - 60, NOW - 60)
    silent = Position(2, 2, is_done=True, is_current=False)
    assert worker.of_news(silent, after=500) == (NOW - 180, True, False)
    # Those who speak find the brokers a little later than this worker does.
    assert worker.of_news(at_end(), after=10) == (NOW - 180, True, False)
    assert worker.of_news(Position(2, 3), after=1) == (NOW - 180, False, False)
    worker.read(NEWS, NOW - 10)
    assert worker.of_news(at_end(3)) == (NOW - 130, True, False)


def test_time_goes_on_over_an_outage_in_which_nothing_was_said() -> None:
    worker = Worker()
    worker.read(NEWS, NOW - 60, NOW - 60)
    worker.of_news(Position(2, 2, is_current=False), after=500)
    assert worker.of_news(at_end(), after=29) == (NOW - 180, True, False)
    assert worker.of_news(at_end(), after=1) == (NOW - 180 + 530, True, True)


def test_a_partition_without_a_message_is_idle_some_time_after_it_was_assigned() -> None:
    worker = Worker()
    assert worker.of_news(at_end(0)) == (None, True, False)
    assert worker.of_news(at_end(0), after=29) == (None, True, False)
    assert worker.of_news(at_end(0), after=1) == (None, True, True)


def test_a_lone_message_is_believed_when_nothing_follows() -> None:
    worker = Worker()
    worker.read(NEWS, NOW - 60)
    assert worker.of_news(at_end(1)) == (None, True, False)
    assert worker.of_news(at_end(1), after=30) == (NOW - 180 + 30, True, True)


def test_a_partition_that_is_given_up_begins_anew() -> None:
    worker = Worker()
    worker.read(NEWS, NOW - 60, NOW - 60)
    worker.read(SOCIAL, NOW - 60, NOW - 60)
    worker.clocks.forget([NEWS, ("news", 9)])
    told = worker.told({NEWS: at_end(), SOCIAL: at_end()})
    assert told[NEWS].watermark is None
    assert told[SOCIAL].watermark == NOW - 180
    assert worker.stamp(NEWS, NOW - 30) == {NEWS: Progress(3, None)}


def test_a_kafka_time_still_to_come_vouches_for_nothing() -> None:
    worker = Worker()
    worker.read(NEWS, NOW - 60, NOW - 60)
    year = 365 * 86_400
    assert worker.stamp(NEWS, NOW + year, NOW + year, kafka_time=NOW + year) == {NEWS: Progress(4, NOW - 180)}
