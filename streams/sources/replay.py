"""When each record is due: at once, at a steady rate, or by the messages' own times.

The paces are pure; only ``paced`` looks at the clock and waits.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from streams.sources.items import Item, Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from datetime import datetime

# A sender that fell behind may catch up on so much of its schedule, and drops the rest.
_CATCH_UP_SECONDS = 1.0
# No system sleeps till the year 9999 at once, of which a message may be.
_LONGEST_SLEEP_SECONDS = 1e6


class Pace(Protocol):
    """Says when a record is due."""

    def due(self, at: datetime | None, now: float) -> float:
        """When a record is due.

        Args:
            at: The message's own time, where it has one.
            now: Reading of a monotonic clock, in seconds.

        Returns:
            Reading of the same clock; in the past for at once.
        """


class SteadyPace:
    """So many records a second.

    Args:
        per_second: Rate, above 0.
    """

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._next: float | None = None

    def due(self, at: datetime | None, now: float) -> float:  # noqa: ARG002  the pace of others needs it
        """See ``Pace.due``."""
        due = now if self._next is None else max(self._next, now - _CATCH_UP_SECONDS)
        self._next = due + self._interval
        return due


class ReplayPace:
    """By the messages' own times, from the first one's on.

    A message that tells no time, or one before its predecessors', is due at once.

    Args:
        factor: 1 for as fast as they came, 60 for a minute in a second; above 0.
    """

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._start: tuple[datetime, float] | None = None

    def due(self, at: datetime | None, now: float) -> float:
        """See ``Pace.due``."""
        if at is None:
            return now
        if self._start is None:
            self._start = (at, now)
        first, started = self._start
        return started + (at - first).total_seconds() / self._factor


def paced(
    items: Iterable[Item],
    pace: Pace,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Item, None, None]:
    """The same items, each when it is due."""
    for item in items:
        if isinstance(item, Outgoing):
            due = pace.due(item.time, clock())
            while (wait := due - clock()) > 0:
                sleep(min(wait, _LONGEST_SLEEP_SECONDS))
        yield item
