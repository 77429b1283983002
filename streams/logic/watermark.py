"""Event time: how far one input partition has come, and how far all of them have.

Watermarks as in Akidau et al., "The Dataflow Model" (VLDB 2015): a promise that next to nothing older is still to come.
A partition's is its greatest trusted event time less an allowed lateness; the whole's is the least of its partitions',
but for those that have shown that nothing is left to read in them.

Pure: every time is an argument. All are seconds since the epoch but where a docstring says otherwise.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from streams.logic.holdback import Holdback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.logic.stall import Place

# A message so far ahead of its partition's clock needs another one to confirm it.
_JUMP_SECONDS = 3600.0


class SourceClock:
    """How far the messages of one input partition have come, by their own time; kept where the partition is read.

    No single message moves it far. One that is dated long after it came counts for nothing, and none moves it past the
    time when it came; one that is more than an hour ahead of the clock, as the first one always is, moves it only when
    the next is ahead too, and then to the lesser of both; one that is behind never moves it.

    Args:
        allowed_lateness: Seconds by which a message may trail those before it and still be in time.
        max_future: Seconds by which a message may be dated after it came and still be believed.
    """

    def __init__(self, *, allowed_lateness: float, max_future: float) -> None:
        self._allowed_lateness = allowed_lateness
        self._max_future = max_future
        self._time = -math.inf
        self._unconfirmed: float | None = None

    @property
    def watermark(self) -> float | None:
        """Event time that the partition has reached; None before a message is confirmed."""
        return None if self._time == -math.inf else self._time - self._allowed_lateness

    def observe(self, event_time: float, kafka_time: float) -> float | None:
        """Take note of the partition's next message.

        Args:
            event_time: When it was said, as it says itself.
            kafka_time: When it came, as Kafka says.

        Returns:
            The watermark after it.
        """
        if event_time > kafka_time + self._max_future:
            return self.watermark
        time = min(event_time, kafka_time)
        if not self._is_jump(time):
            self._time = max(self._time, time)
            self._unconfirmed = None
        elif self._unconfirmed is None:
            self._unconfirmed = time
        else:
            self._time = max(self._time, min(self._unconfirmed, time))
            # Where the one before was the lesser, this one may still be a jump, which the next is to confirm.
            self._unconfirmed = time if self._is_jump(time) else None
        return self.watermark

    def rest(self, seconds: float) -> None:
        """Nothing came for so long: time goes on by itself, and a first message is believed without another."""
        if self._time > -math.inf:
            self._time += seconds
        elif self._unconfirmed is not None:
            self._time, self._unconfirmed = self._unconfirmed + seconds, None

    def _is_jump(self, time: float) -> bool:
        return time - self._time > _JUMP_SECONDS


class Watermark:
    """Event time that all input partitions have reached, as told through one partition of the signals topic.

    A partition holds the others back at its own watermark, but no longer than that helps:

    - with messages left to read it holds them back without limit, since these may be of any age (a replay);
    - read to its end, at most ``max_skew`` behind the furthest;
    - idle, not at all; nor if nobody has spoken of it for ``idle_seconds``.

    That a partition is read to its end is true of the moment when it was said: it lets the others go as far as they
    had come by then, and further when it is said anew. So what is written to all partitions at once, as a replay is,
    starts in none of them too late.

    An idle partition's watermark goes on with time. Its worker sees to that; where a worker has just begun, and
    knows no watermark, the last one known goes on here.

    Args:
        expected: Topic and partition of every input; others that are told of are added.
        idle_seconds: Silence after which a partition is no longer waited for, by the clock of ``heard``.
        max_skew: Seconds by which a partition that is read to its end may hold the others back.
        started: Now, by the clock of ``heard``: nothing was to be heard before.
    """

    def __init__(self, expected: Iterable[Place], *, idle_seconds: float, max_skew: float, started: float) -> None:
        self._idle_seconds = idle_seconds
        self._max_skew = max_skew
        self._started = started
        self._partitions = {place: _Partition(heard=started) for place in expected}
        self._furthest: float | None = None
        self._value: float | None = None
        # Said to be read to their end, since the last time that one was said not to be.
        self._at_end: list[Place] = []
        self._wait_for_all()

    def update(
        self, topic: str, partition: int, watermark: float | None, *, caught_up: bool, idle: bool, heard: float
    ) -> None:
        """Take note of what a heartbeat or a signal says of an input partition.

        Args:
            topic: The input topic.
            partition: Its partition.
            watermark: What it has reached; None where its worker does not know.
            caught_up: Nothing was left to read in it; False for a signal, which comes of something that was read.
            idle: Nothing was left, and nothing came for a while.
            heard: When it was said, by the worker's clock.
        """
        place = (topic, partition)
        told = self._partitions.get(place)
        if told is None:
            told = self._partitions[place] = _Partition(heard=self._started)
            self._watched[place] = self._holdback.add(told)
        if caught_up or idle:
            self._at_end.append(place)
        else:
            self._let_go()
        if watermark is None and idle and told.idle and told.watermark is not None:
            watermark = told.watermark + max(0.0, heard - told.heard)
        if watermark is not None:
            told.watermark = watermark if told.watermark is None else max(told.watermark, watermark)
            self._furthest = told.watermark if self._furthest is None else max(self._furthest, told.watermark)
        told.idle = idle
        told.heard = max(told.heard, heard)
        self._holdback.note(self._watched[place])

    def resume(self, heard: float) -> None:
        """Nobody spoke of any partition for a while, so no silence is one's own: all are waited for from now on.

        Args:
            heard: Now, by the clock of ``heard``.
        """
        for told in self._partitions.values():
            told.heard = max(told.heard, heard)
        self._wait_for_all()

    def value(self, now: float) -> float | None:
        """Event time that all have reached; it never goes back.

        Args:
            now: By the clock of ``heard``.

        Returns:
            None as long as nothing is known.
        """
        self._let_go()
        least = self._holdback.least(now)
        if least is not None:
            self._value = least if self._value is None else max(self._value, least)
        return self._value

    @property
    def furthest(self) -> float | None:
        """Event time that any partition has reached; None as long as nothing is known."""
        return self._furthest

    def dump(self) -> bytes:
        """All that is known, as MessagePack."""
        self._let_go()
        return _encoder.encode(_State(self._value, [(*place, told) for place, told in self._partitions.items()]))

    def load(self, state: bytes) -> None:
        """Go on from what ``dump`` gave; partitions that it did not know stay as they are.

        Raises:
            msgspec.DecodeError: It is no such state.
        """
        known = _decoder.decode(state)
        for topic, partition, told in known.partitions:
            told.heard = max(told.heard, self._started)
            self._partitions[topic, partition] = told
            if told.watermark is not None:
                self._furthest = told.watermark if self._furthest is None else max(self._furthest, told.watermark)
        self._value = known.value
        self._at_end.clear()
        self._wait_for_all()

    def _wait_for_all(self) -> None:
        # The value is asked for after every message: to look at every partition each time would cost more with each.
        self._holdback = Holdback(self._idle_seconds)
        self._watched = {place: self._holdback.add(told) for place, told in self._partitions.items()}

    def _let_go(self) -> None:
        """Let the others pass those that are read to their end, as far as all have come by now."""
        if self._furthest is not None:
            for place in self._at_end:
                partition = self._partitions[place]
                passed = self._furthest if partition.idle else self._furthest - self._max_skew
                partition.passed = passed if partition.passed is None else max(partition.passed, passed)
                self._holdback.note(self._watched[place])
        self._at_end.clear()


class _Partition(msgspec.Struct, array_like=True):
    """What is known of one input partition."""

    heard: float
    watermark: float | None = None
    passed: float | None = None
    """Up to where it holds nobody back, whatever its own watermark."""
    idle: bool = False

    @property
    def reached(self) -> float | None:
        if self.watermark is None or self.passed is None:
            return self.watermark if self.passed is None else self.passed
        return max(self.watermark, self.passed)


class _State(msgspec.Struct, array_like=True):
    value: float | None
    partitions: list[tuple[str, int, _Partition]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_State)
