"""Small parts of asking: a budget, a lot, and the few that are wanted most."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import random

T = TypeVar("T")

_SECONDS_PER_HOUR = 3600.0
# With one alone, what comes between two looks would be lost.
_MOST_TOKENS = 2.0


class TokenBucket:
    """A budget by the hour, spent evenly: of what is not spent two tokens are kept, so that no hour has much more.

    Args:
        per_hour: Tokens that come in an hour; 0 gives none.
        now: Any clock's time in seconds, as in all methods. The first token comes after its time.
    """

    def __init__(self, per_hour: float, now: float) -> None:
        self._rate = per_hour / _SECONDS_PER_HOUR
        self._tokens = 0.0
        self._since = now

    def has_token(self, now: float) -> bool:
        """Whether there is one to be spent."""
        self._tokens = min(_MOST_TOKENS, self._tokens + self._rate * max(0.0, now - self._since))
        self._since = now
        return self._tokens >= 1.0

    def spend(self) -> None:
        """Take one that there is."""
        self._tokens -= 1.0


class Lot(Generic[T]):
    """One of all that was offered since the last draw, each as likely as any other.

    Args:
        lots: What is drawn by.
    """

    def __init__(self, lots: random.Random) -> None:
        self._random = lots.random
        self._offered = 0
        self._kept: T | None = None

    def offer(self, item: T) -> None:
        """Put one more in."""
        self._offered += 1
        if self._random() * self._offered < 1.0:
            self._kept = item

    def draw(self) -> T | None:
        """Take the one that was drawn, and begin anew; None where nothing was offered."""
        kept, self._kept, self._offered = self._kept, None, 0
        return kept


@dataclass(frozen=True, slots=True, order=True)
class Wanted(Generic[T]):
    """One in a pool; the order is by score, then by who came first."""

    score: float
    number: int
    since: float
    fingerprint: str
    item: T


class Pool(Generic[T]):
    """The few with the highest scores of late, no two with one fingerprint.

    Args:
        size: Most that are kept.
        keep_seconds: How long one is kept.
    """

    def __init__(self, size: int, keep_seconds: float) -> None:
        self._size = size
        self._keep = keep_seconds
        self._heap: list[Wanted[T]] = []
        self._numbers = count(0, -1)

    def __len__(self) -> int:
        return len(self._heap)

    def takes(self, score: float) -> bool:
        """Whether one with this score has a place; cheap, for it is asked of every message."""
        return len(self._heap) < self._size or score > self._heap[0].score

    def offer(self, score: float, fingerprint: str, item: T, now: float) -> None:
        """Put one in, where it has a place and is no copy of one that is in."""
        if not self.takes(score) or any(wanted.fingerprint == fingerprint for wanted in self._heap):
            return
        wanted = Wanted(score, next(self._numbers), now, fingerprint, item)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, wanted)
        else:
            heapq.heapreplace(self._heap, wanted)

    def drop_old(self, now: float) -> None:
        """Let go of those that were kept long enough."""
        if any(now - wanted.since > self._keep for wanted in self._heap):
            self._heap = [wanted for wanted in self._heap if now - wanted.since <= self._keep]
            heapq.heapify(self._heap)

    def take(self) -> Wanted[T]:
        """Take out the one with the highest score; there must be one."""
        best = max(self._heap)
        self._heap.remove(best)
        heapq.heapify(self._heap)
        return best
