"""Alive means moving: a worker that has lag and does not move is stuck, whatever else it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    is_current: bool = True
    """The brokers have told the high-water mark within the last seconds: in an outage it stands still."""

    @property
    def lag(self) -> int:
        """Messages written and not yet committed as done."""
        if self.is_done or self.highwater is None:
            return 0
        return max(0, self.highwater - (self.committed or 0))


@dataclass
class StallDetector:
    """Tells for how long there has been lag while nothing moved.

    Each agent is looked at by itself: one that goes on, if only with heartbeats, says nothing of another that hangs.

    Args:
        timeout: Seconds after which the worker counts as stuck.
        agent_of: Name of the agent that reads a partition.
    """

    timeout: float
    agent_of: Callable[[Place], str] = lambda _: ""
    _agents: dict[str, _Agent] = field(default_factory=dict)

    def observe(self, now: float, positions: Mapping[Place, Position]) -> float:
        """Take note of the positions.

        Movement is a committed offset that changed, a partition that came or went, or no lag at all.

        Args:
            now: Seconds on a clock that never goes back.
            positions: Of each assigned partition.

        Returns:
            Seconds since the last movement of the agent that has stood still the longest; 0 while all is well.
        """
        by_agent: dict[str, dict[Place, Position]] = {}
        for place, position in positions.items():
            by_agent.setdefault(self.agent_of(place), {})[place] = position
        self._agents = {name: self._agents.get(name) or _Agent(now) for name in by_agent}
        return max((self._agents[name].observe(now, mine) for name, mine in by_agent.items()), default=0.0)

    def is_stuck(self, still_for: float) -> bool:
        """Whether so long a standstill is too long."""
        return still_for >= self.timeout


@dataclass
class _Agent:
    moved_at: float
    seen: dict[Place, int | None] | None = None

    def observe(self, now: float, positions: Mapping[Place, Position]) -> float:
        committed = {place: position.committed for place, position in positions.items()}
        if committed != self.seen or not any(position.lag for position in positions.values()):
            self.moved_at = now
        self.seen = committed
        return now - self.moved_at
