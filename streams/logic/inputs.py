"""How far a worker has come in each of its input partitions, by its messages' own time, and what it says of that.

Messages are observed in the order of their offsets, when their outputs are about to be published; what is said to
others is how far the partition had come when they were acknowledged, so that no heartbeat overtakes a signal. Not
thread-safe: all of it belongs to the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.contract.signals import UpstreamPartition
from streams.logic.watermark import SourceClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streams.contract.incoming import Record
    from streams.contract.settings import Settings
    from streams.logic.stall import Place, Position


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an input partition has come with some message of it."""

    next_offset: int
    watermark: float | None


class InputClocks:
    """The clocks of the input partitions that a worker reads.

    Args:
        settings: Names of the inputs, and the rules of event time.
    """

    def __init__(self, settings: Settings) -> None:
        self._inputs = frozenset(settings.topics.inputs)
        self._rules = settings.surge
        self._partitions: dict[Place, _InputPartition] = {}

    def observe(self, record: Record, time: float | None, now: float) -> Progress:
        """Take note of a partition's next message, which is about to be published.

        Args:
            record: As it was read.
            time: The message's own time, seconds since the epoch; None where the record was no message.
            now: Seconds since the epoch.
        """
        clock = self._partition((record.topic, record.partition)).clock
        if time is None:
            return Progress(record.offset + 1, clock.watermark)
        # A producer whose own clock is ahead stamps its messages with a Kafka time that is still to come.
        return Progress(record.offset + 1, clock.observe(time, min(record.timestamp, now)))

    def delivered(self, progress: Mapping[Place, Progress], now: float) -> None:
        """All outputs of the messages up to here are acknowledged.

        Args:
            progress: What ``observe`` gave for the last message of each partition.
            now: Seconds on a clock that never goes back, the one of ``report``.
        """
        for place, reached in progress.items():
            partition = self._partition(place)
            partition.progress = reached
            partition.still_since = partition.rested_until = now

    def forget(self, places: Iterable[Place]) -> None:
        """These partitions are given up; whoever reads them next starts a clock of its own."""
        for place in places:
            self._partitions.pop(place, None)

    def report(self, positions: Mapping[Place, Position], now: float) -> list[UpstreamPartition]:
        """What a heartbeat says: how far each input partition of this worker has come.

        Args:
            positions: Where the worker stands, in topics of every kind.
            now: Seconds on a clock that never goes back.
        """
        return [
            self._report(place, position, now)
            for place, position in sorted(positions.items())
            if place[0] in self._inputs
        ]

    def _report(self, place: Place, position: Position, now: float) -> UpstreamPartition:
        partition = self._partition(place)
        if partition.still_since is None:
            partition.still_since = partition.rested_until = now
        caught_up = _is_caught_up(position, partition.progress)
        if not position.is_current:
            # That nothing comes says nothing while the brokers do not: what is said meanwhile is still to be read, and
            # whoever says it may need some seconds to find them again.
            partition.still_since = now
        idle = caught_up and now - partition.still_since >= self._rules.idle_seconds
        if idle:
            partition.clock.rest(now - partition.rested_until)
            partition.rested_until = now
            partition.progress = Progress(partition.progress.next_offset, partition.clock.watermark)
        topic, number = place
        return UpstreamPartition(
            topic=topic, partition=number, watermark=partition.progress.watermark, caught_up=caught_up, idle=idle
        )

    def _partition(self, place: Place) -> _InputPartition:
        partition = self._partitions.get(place)
        if partition is None:
            clock = SourceClock(
                allowed_lateness=self._rules.allowed_lateness_seconds, max_future=self._rules.max_future_seconds
            )
            partition = self._partitions[place] = _InputPartition(clock)
        return partition


@dataclass(slots=True)
class _InputPartition:
    clock: SourceClock
    progress: Progress = Progress(0, None)
    """As far as it is acknowledged."""
    still_since: float | None = None
    """When its last message was acknowledged, or it was first looked at."""
    rested_until: float = 0.0
    """Up to when the clock was told that nothing came."""


def _is_caught_up(position: Position, progress: Progress) -> bool:
    # A commit trails what is acknowledged by a second, in which a busy partition would never look read to its end.
    return position.highwater is not None and (position.lag == 0 or progress.next_offset >= position.highwater)
