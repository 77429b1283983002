"""One alert while it fires: it may grow stronger, never weaker, and is over once the evidence says so."""

from __future__ import annotations

import math

import msgspec

from streams.contract.alerts import LEVELS, Level

# The alert is over once an end is so many times as likely as its going on.
_OVER = math.log(20.0)
# Of the alert's rate to that after its end. Where next to nothing is expected, a message now and then is an end too.
_LEAST_RATIO, _MOST_RATIO = 1.5, 5.0
_MOST_LUCK = 2.0


class Finding(msgspec.Struct, array_like=True, frozen=True):
    """The most unusual window of an alert."""

    window: tuple[int, int]
    """First and last bucket."""
    observed: int
    expected: float
    volume: int
    expected_share: float
    score: float
    p_value: float = 1.0
    threshold: float = 1.0
    """p-value that was affordable when it was found."""


class Firing(msgspec.Struct, array_like=True):
    """What is known of an alert that fires."""

    level: Level
    start_bucket: int
    finding: Finding
    calm: int = 0
    """Calm windows in a row."""
    relief: float = 0.0
    """CUSUM of the log likelihood of an end against that of its going on."""

    def strengthen(self, finding: Finding, level: Level) -> bool:
        """Take in a new look.

        Returns:
            Whether the level rose.
        """
        if finding.score > self.finding.score:
            self.finding = msgspec.structs.replace(finding, threshold=self.finding.threshold)
        if LEVELS.index(level) <= LEVELS.index(self.level):
            return False
        self.level = level
        return True

    def relieve(self, observed: float, expected: float, dispersion: float, *, calm: bool, needed: int) -> bool:
        """Look at the window that has just closed.

        Where counts are small a few calm windows prove little, so beside them a CUSUM (Page 1954) must find the rate
        after an end likelier than the alert's own. Some of that was the luck by which it was noticed.

        Args:
            observed: Its count.
            expected: What the baseline lets expect.
            dispersion: Variance over mean.
            calm: Whether nothing in it is out of the ordinary.
            needed: Calm windows in a row that it takes.

        Returns:
            Whether the alert is over.
        """
        seen = self.finding.observed / self.finding.expected
        ratio = max(_LEAST_RATIO, seen / min(math.sqrt(seen), _MOST_LUCK))
        going_on = expected * ratio
        ended = max(expected, going_on / _MOST_RATIO)
        self.relief = max(0.0, self.relief + (going_on - ended - observed * math.log(going_on / ended)) / dispersion)
        self.calm = self.calm + 1 if calm else 0
        return self.calm >= needed and self.relief >= _OVER
