"""When to stop waiting for more: a quiet stream is answered at once, a busy one fills its batches.

While work is under way, what arrives gathers; when the worker becomes free, all that has gathered is the next batch. So
batches grow with the load by themselves. A worker that is free waits a moment for company, since a small batch costs
more for each item; an eager one only where some is likely to come, so that no timer delays a quiet stream. A full batch
is handed on even while work is under way, so that the worker never waits for the event loop.
"""

from __future__ import annotations

import math
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class Batcher(Generic[ItemT]):
    """Gathers items into batches. Pure: the clock is an argument.

    Args:
        size: Most items in a batch.
        wait: Seconds that the first item of a batch may wait for company while the worker is free.
        eager: The first item of a batch does not wait where none had come for longer than that: as long again, most
            likely none would join it.
    """

    def __init__(self, size: int, wait: float, *, eager: bool = False) -> None:
        self._size = size
        self._wait = wait
        self._eager = eager
        self._items: list[ItemT] = []
        self._due = 0.0
        self._latest = -math.inf

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_full(self) -> bool:
        """Whether a whole batch has gathered: nothing more is to be added until it is taken."""
        return len(self._items) >= self._size

    def add(self, item: ItemT, now: float) -> None:
        """Add an item that arrived now (seconds on any steady clock)."""
        if not self._items:
            is_alone = self._eager and now - self._latest > self._wait
            self._due = now if is_alone else now + self._wait
        self._latest = now
        self._items.append(item)

    def due_in(self, now: float, *, free: bool) -> float | None:
        """Seconds until the next batch should be taken.

        Args:
            now: Seconds, on the clock of ``add``.
            free: Whether the worker has nothing to do.

        Returns:
            0.0 for at once; None where only another item, or the worker's becoming free, can make one due.
        """
        if not self._items:
            return None
        if self.is_full:
            return 0.0
        if not free:
            return None
        return max(0.0, self._due - now)

    def take(self) -> list[ItemT]:
        """All that has gathered, as the next batch."""
        batch, self._items = self._items, []
        return batch
