"""What the clock of surge detection costs a signal by the number of input partitions, beside one that looks at each."""

from __future__ import annotations

import random
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from streams.contract.settings import SurgeSettings
from streams.logic.watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEED = 5
_SIGNALS_PER_SECOND = 800.0
_REPEATS = 5


class OneByOne(Watermark):
    """Looks at every partition whenever it is asked: what the clock must agree with."""

    def value(self, now: float) -> float | None:
        """As ``Watermark.value``."""
        self._let_go()
        waited_for = [told for told in self._partitions.values() if now - told.heard <= self._idle_seconds]
        known = [told.reached for told in waited_for if told.reached is not None]
        if known and len(known) == len(waited_for):
            self._value = min(known) if self._value is None else max(self._value, min(known))
        return self._value


def measure(counts: Sequence[int], signals: int) -> list[dict[str, Any]]:
    """Seconds a signal, of one core, for each number of partitions; medians of repeats."""
    found = []
    for count in counts:
        # In turn, since what slows one slows the other.
        runs = [(_seconds(Watermark, count, signals), _seconds(OneByOne, count, signals)) for _ in range(_REPEATS)]
        incremental, one_by_one = (median(seconds) for seconds in zip(*runs, strict=True))
        found.append({"partitions": count, "incremental_seconds": incremental, "one_by_one_seconds": one_by_one})
    return found


def _seconds(made: type[Watermark], count: int, signals: int) -> float:
    """Signals of partitions drawn by lot, and a heartbeat of each partition every second, as workers tell them."""
    settings = SurgeSettings()
    rng = random.Random(_SEED)  # noqa: S311  no secret: the same signals in every run
    places = [("news", number) for number in range(count)]
    told = [(rng.randrange(count), step / _SIGNALS_PER_SECOND - rng.random()) for step in range(signals)]
    reached = [0.0] * count
    clock = made(places, idle_seconds=settings.idle_seconds, max_skew=settings.max_skew_seconds, started=0.0)
    beats = 0
    begin = time.process_time()
    for step, (partition, moment) in enumerate(told):
        now = step / _SIGNALS_PER_SECOND
        if now >= beats * settings.heartbeat_seconds:
            beats += 1
            for topic, number in places:
                clock.update(topic, number, reached[number], caught_up=False, idle=False, heard=now)
        reached[partition] = max(reached[partition], moment)
        clock.update("news", partition, reached[partition], caught_up=False, idle=False, heard=now)
        clock.value(now)
    return (time.process_time() - begin) / signals
