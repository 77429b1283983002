"""What goes into the statistics and what comes out: counts of a window, and what they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.contract.alerts import Level, Status, SurgeKind


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages on one subject in one closed window."""

    negative: int = 0
    positive: int = 0
    total: int = 0
    negative_copies: int = 0
    """Copies of texts that were counted already, which stand in none of the three above."""
    positive_copies: int = 0
    copies: int = 0
    """All of them, those of neutral texts too."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A subject began to fire, grew stronger, or is over."""

    subject: str
    kind: SurgeKind
    status: Status
    level: Level
    bucket: int
    """At whose close it was found."""
    start_bucket: int
    """First bucket of the most unusual window when it began."""
    window: tuple[int, int]
    """First and last bucket of the most unusual window so far."""
    observed: int
    """Messages of the kind in that window."""
    expected: float
    volume: int
    share: float
    expected_share: float
    p_value: float
    """Of so high a score by chance, as the tail of scores has it."""
    threshold: float
    """p-value that spends the budget."""
