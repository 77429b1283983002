"""The least of what partitions have reached, among those that were heard of lately, without looking at each of them.

Two heaps of lower bounds (lazy deletion): what a partition has reached and when it was heard of never go back, so that
an entry which is out of date comes to the top too soon and never too late, and is put right there. A change costs one
comparison, and at some later question O(log n).

Pure: every time is an argument, by one clock.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush, heapreplace
from typing import Protocol


class Partition(Protocol):
    """What is known of a partition; neither ever goes back, nor becomes None again."""

    @property
    def heard(self) -> float:
        """When it was last heard of."""

    @property
    def reached(self) -> float | None:
        """How far it has come; None where that is not known."""


class Watched:
    """A partition's place in a ``Holdback``; its owner hands it back, and touches nothing of it."""

    __slots__ = ("is_queued", "is_timed", "is_waited_for", "number", "partition")

    def __init__(self, number: int, partition: Partition) -> None:
        self.number = number
        self.partition = partition
        self.is_waited_for = False
        self.is_timed = False
        """Whether it is known how far it has come."""
        self.is_queued = False
        """Whether it has an entry in the heap of what was reached, which outlasts its being waited for."""


class Holdback:
    """Partitions that hold one another back, but for those that nobody speaks of.

    Args:
        idle_seconds: Silence after which a partition is no longer waited for.
    """

    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._count = 0
        self._by_heard: list[tuple[float, int, Watched]] = []
        self._by_reached: list[tuple[float, int, Watched]] = []
        self._untimed = 0
        """How many are waited for of which it is not known how far they have come."""
        self._silent: dict[int, Watched] = {}
        self._silent_heard = -math.inf
        """When any of the silent was last heard of, or later."""

    def add(self, partition: Partition) -> Watched:
        """Wait for a further partition."""
        watched = Watched(self._count, partition)
        self._count += 1
        self._wait_for(watched)
        return watched

    def note(self, watched: Watched) -> None:
        """Take note that something is known anew of a partition."""
        if not watched.is_waited_for:
            del self._silent[watched.number]
            self._wait_for(watched)
        elif not watched.is_timed and watched.partition.reached is not None:
            self._untimed -= 1
            self._queue(watched)

    def least(self, now: float) -> float | None:
        """What all that are waited for have reached.

        Args:
            now: It may go back.

        Returns:
            None where nobody is waited for, or it is not known of all.
        """
        self._listen(now)
        while self._by_heard and now - self._by_heard[0][0] > self._idle_seconds:
            heard, number, watched = self._by_heard[0]
            if watched.partition.heard > heard:
                heapreplace(self._by_heard, (watched.partition.heard, number, watched))
            else:
                heappop(self._by_heard)
                self._leave(watched)
        return None if self._untimed else self._least()

    def _least(self) -> float | None:
        while self._by_reached:
            known, number, watched = self._by_reached[0]
            if not watched.is_waited_for:
                heappop(self._by_reached)
                watched.is_queued = False
                continue
            reached = watched.partition.reached
            if reached is None or reached <= known:
                return known
            heapreplace(self._by_reached, (reached, number, watched))
        return None

    def _listen(self, now: float) -> None:
        """Wait again for those that were silent only by a later clock than now: clocks of two workers may differ."""
        if now - self._silent_heard > self._idle_seconds:
            return
        silent, self._silent, self._silent_heard = self._silent, {}, -math.inf
        for watched in silent.values():
            if now - watched.partition.heard > self._idle_seconds:
                self._keep_silent(watched)
            else:
                self._wait_for(watched)

    def _wait_for(self, watched: Watched) -> None:
        watched.is_waited_for = True
        heappush(self._by_heard, (watched.partition.heard, watched.number, watched))
        if watched.partition.reached is None:
            self._untimed += 1
        else:
            self._queue(watched)

    def _queue(self, watched: Watched) -> None:
        watched.is_timed = True
        if not watched.is_queued and watched.partition.reached is not None:
            watched.is_queued = True
            heappush(self._by_reached, (watched.partition.reached, watched.number, watched))

    def _leave(self, watched: Watched) -> None:
        watched.is_waited_for = False
        self._untimed -= not watched.is_timed
        self._keep_silent(watched)

    def _keep_silent(self, watched: Watched) -> None:
        self._silent[watched.number] = watched
        self._silent_heard = max(self._silent_heard, watched.partition.heard)
