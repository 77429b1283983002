"""Alive means moving: a worker that has lag and does not move is stuck, whatever else it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a worker stands in one partition; None where not yet known.

    Offsets alone do not tell whether there is work: the last ones may be no messages at all, but the end of a
    transaction, or what retention has taken away.
    """

    committed: int | None
    highwater: int | None
    is_done: bool = False
    """Everything up to the high-water mark was read, and all of it that is a message is committed."""

    @property
    def lag(self) -> int:
        """Messages written and not yet committed as done."""
        if self.is_done or self.highwater is None:
            return 0
        return max(0, self.highwater - (self.committed or 0))


@dataclass
class StallDetector:
    """Tells for how long there has been lag while nothing moved.

    Args:
        timeout: Seconds after which the worker counts as stuck.
    """

    timeout: float
    _seen: dict[Place, int | None] = field(default_factory=dict)
    _moved_at: float | None = None

    def observe(self, now: float, positions: Mapping[Place, Position]) -> float:
        """Take note of the positions.

        Movement is a committed offset that changed, a partition that came or went, or no lag at all.

        Args:
            now: Seconds on a clock that never goes back.
            positions: Of each assigned partition.

        Returns:
            Seconds since the last movement; 0 while all is well.
        """
        committed = {place: position.committed for place, position in positions.items()}
        has_lag = any(position.lag for position in positions.values())
        if not has_lag or committed != self._seen or self._moved_at is None:
            self._moved_at = now
        self._seen = committed
        return now - self._moved_at

    def is_stuck(self, still_for: float) -> bool:
        """Whether so long a standstill is too long."""
        return still_for >= self.timeout
