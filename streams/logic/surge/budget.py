"""From a number of false alarms that a desk affords to the score at which it rings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from streams.logic.surge.tail import Fit, Tail

LEAST_THRESHOLD = 3.0
"""No alarm below this score, whatever the budget affords."""
# The stronger levels: what chance gives so many times more seldom than the budget affords.
_ORANGE, _RED = 26.0, 520.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores from which an alarm has a level."""

    yellow: float
    orange: float
    red: float
    fit: Fit

    def probability(self, score: float) -> float:
        """Probability of so high a score by chance, each time that one is looked at."""
        return self.fit.probability(score)


class Budget:
    """So many false alarms a week, shared over whatever is looked at.

    Args:
        a_week: False alarms a week.
        windows_a_week: Counting windows in a week.
    """

    def __init__(self, a_week: float, windows_a_week: int) -> None:
        self._a_week = a_week
        self._windows_a_week = windows_a_week
        self._fade = 0.5 ** (7.0 / windows_a_week)  # half-life of one day
        self._evaluations = 0.0
        self._weight = 0.0
        self._at = 0

    def evaluate(self, bucket: int, evaluations: int) -> None:
        """So many scores were looked at at the close of a window."""
        passed = bucket - self._at if self._weight else 1
        # In windows that were not closed nobody was looked at.
        fade = self._fade**passed
        self._weight = fade * self._weight + (1.0 - fade) / (1.0 - self._fade)
        self._evaluations = fade * self._evaluations + evaluations
        self._at = bucket

    @property
    def affordable(self) -> float:
        """False alarms that are affordable for each evaluation."""
        each_window = self._evaluations / self._weight if self._weight else 0.0
        return min(1.0, self._a_week / (max(1.0, each_window) * self._windows_a_week))

    def thresholds(self, tail: Tail) -> Thresholds:
        """The scores that spend the budget, given how high scores rise by chance."""
        affordable = self.affordable
        fit = tail.fit(affordable)
        yellow = max(LEAST_THRESHOLD, fit.score(affordable))
        return Thresholds(
            yellow=yellow,
            orange=max(fit.score(affordable / _ORANGE), yellow + 1.0),
            red=max(fit.score(affordable / _RED), yellow + 2.0),
            fit=fit,
        )

    def dump(self) -> bytes:
        """State, exactly."""
        return msgspec.msgpack.encode((self._evaluations, self._weight, self._at))

    def load(self, state: bytes) -> None:
        """The state that ``dump`` gave."""
        self._evaluations, self._weight, self._at = msgspec.msgpack.decode(state, type=tuple[float, float, int])
