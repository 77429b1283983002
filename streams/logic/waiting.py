"""Who waits for slow work, and who has waited for too long.

Pure: the clock is an argument. Nobody is turned away at the door, since the door must never be shut; the longest
waiting go first from the front of the line (head drop), so that what is left is answered soon, or at all.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ItemT = TypeVar("ItemT")


class _Waiting(NamedTuple, Generic[ItemT]):
    item: ItemT
    lane: int
    since: float


class WaitingLine(Generic[ItemT]):
    """Items in the order in which they came.

    Args:
        room: So many may wait; beyond that the front of the line has waited for too long.
        patience: Seconds that an item may wait.
    """

    def __init__(self, room: int, patience: float) -> None:
        self._room = room
        self._patience = patience
        self._line: deque[_Waiting[ItemT]] = deque()

    def __len__(self) -> int:
        return len(self._line)

    def __iter__(self) -> Iterator[ItemT]:
        return (waiting.item for waiting in self._line)

    def add(self, item: ItemT, lane: int, since: float) -> None:
        """Let an item stand at the end.

        Args:
            item: Any.
            lane: Items of one lane, such as a partition, leave in the order in which they came.
            since: Since when it has waited, in seconds; of which clock, is the caller's choice.
        """
        self._line.append(_Waiting(item, lane, since))

    def take_late(self, now: float) -> list[ItemT]:
        """Take out those that have waited for too long, and no other of their lane came before them."""
        late: list[ItemT] = []
        left: deque[_Waiting[ItemT]] = deque()
        patient: set[int] = set()
        for waiting in self._line:
            if waiting.lane not in patient and now - waiting.since >= self._patience:
                late.append(waiting.item)
            else:
                patient.add(waiting.lane)
                left.append(waiting)
        self._line = left
        late += [self._line.popleft().item for _ in range(len(self._line) - self._room)]
        return late

    def late_in(self, now: float) -> float | None:
        """Seconds until the first in line has waited for too long, 0 or less where it has; None where nobody waits."""
        if not self._line:
            return None
        if len(self._line) > self._room:
            return 0.0
        return self._line[0].since + self._patience - now

    def look(self, count: int) -> list[ItemT]:
        """The first so many, who stay in line until they are ``served``."""
        return [self._line[place].item for place in range(min(count, len(self._line)))]

    def served(self, items: Sequence[ItemT]) -> None:
        """Take out the first of the line, who are these."""
        for _ in items:
            self._line.popleft()

    def clear(self) -> None:
        """Send everybody away."""
        self._line.clear()
