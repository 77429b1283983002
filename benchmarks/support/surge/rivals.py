"""What else rings: a fixed threshold, a rolling z-score, a seasonal decomposition, a library's change detector.

Each is the same for all subjects of a desk but for one threshold, which is tuned to the budget. None rings below the
least count that Tocsin asks for. None looks ahead: what is said of a window depends on it and earlier ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from river.drift import PageHinkley
from statsmodels.tsa.seasonal import STL

from benchmarks.support.surge.traffic import DAY, HOUR, MONDAY, WEEK, trailing
from streams.contract.settings import SurgeSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.support.surge.alarms import Rings
    from benchmarks.support.surge.traffic import Rates, Traffic

_LEAST = SurgeSettings().min_negatives
_HALF_HOUR = HOUR // 2
_HALF_HOURS_A_WEEK = WEEK // _HALF_HOUR
# So wide a smoother over the weeks is their mean.
_PERIODIC = 101
# Half the rise, in standard deviations, that the change detector is to find: that of twice 20 an hour.
_SLACK = 0.5
# The detector's own, in windows: so long after each ring it learns a new mean.
_RELEARN = 30


class Rival(Protocol):
    """A detector with one threshold."""

    @property
    def name(self) -> str:
        """Key of its figures."""

    @property
    def title(self) -> str:
        """For tables."""

    @property
    def memory(self) -> int:
        """Windows of the past that it needs before it can say something."""

    @property
    def high(self) -> float:
        """A threshold that nothing usual reaches."""

    def prepare(self, traffic: Traffic) -> Callable[[float], Rings]:
        """Look at traffic once; what is returned gives the rings at any threshold."""


class FixedThreshold:
    """The count of negatives of the last hour, one bar for every subject."""

    name = "fixed_threshold"
    title = "fixed threshold, last hour"
    memory = HOUR
    high = 1e5

    def prepare(self, traffic: Traffic) -> Callable[[float], Rings]:
        """See ``Rival``."""
        count = trailing(traffic.negative, HOUR)
        return lambda threshold: count >= max(threshold, _LEAST)


class RollingZScore:
    """What a user writes first: the count against mean and deviation of the counts of the 24 hours before.

    Args:
        windows: Length of the count, in windows.
    """

    high = 1e5
    memory = DAY + HOUR

    def __init__(self, windows: int) -> None:
        self._windows = windows
        self.name = f"rolling_z_score_{5 * windows}_minutes"
        self.title = f"rolling z-score, {5 * windows} minutes"

    def prepare(self, traffic: Traffic) -> Callable[[float], Rings]:
        """See ``Rival``."""
        count = trailing(traffic.negative, self._windows)
        past = np.zeros_like(count)
        past[1:] = count[:-1]
        mean = trailing(past, DAY) / DAY
        deviation = np.sqrt(np.maximum(trailing(past**2, DAY) / DAY - mean**2, 0))
        # A deviation of less than one message makes every message of a quiet subject an event.
        score = (count - mean) / np.maximum(deviation, 1.0)
        return lambda threshold: (score >= threshold) & (count >= _LEAST)


class SeasonalResidual:
    """Trend and weekly season of half-hours by STL, refitted each Monday on the last three weeks.

    A half-hour's count is told against the season's forecast, in deviations by the median of the residuals (Hochenbaum,
    Vallis, Kejariwal 2017, without their test for a given number of outliers, which has no meaning in a stream).
    Refitting more often would change nothing here, where nothing changes but by chance.

    Cleveland et al. (1990). STL: a seasonal-trend decomposition procedure based on loess. J. Off. Stat. 6, 3-73.
    """

    name = "seasonal_stl"
    title = "STL residual, 30 minutes (statsmodels)"
    memory = 4 * WEEK
    high = 1e5

    def prepare(self, traffic: Traffic) -> Callable[[float], Rings]:
        """See ``Rival``."""
        forecast, deviation = seasonal_forecast(traffic)
        count = trailing(traffic.negative, _HALF_HOUR)
        score = (count - trailing(forecast, _HALF_HOUR)) / np.maximum(deviation, 1.0)
        return lambda threshold: (score >= threshold) & (count >= _LEAST)


class ChangeDetector:
    """Page-Hinkley as river has it, on counts made even by Anscombe's root so that one threshold fits all subjects.

    Args:
        seasonal: Take off the root of the forecast of ``SeasonalResidual``, else the rhythm itself is a change.
    """

    high = 4e3

    def __init__(self, *, seasonal: bool) -> None:
        self._seasonal = seasonal
        self.memory = 5 * WEEK if seasonal else WEEK
        self.name = "page_hinkley_seasonal" if seasonal else "page_hinkley"
        self.title = "Page-Hinkley (river)" + (" on STL residuals" if seasonal else "")

    def prepare(self, traffic: Traffic) -> Callable[[float], Rings]:
        """See ``Rival``."""
        values, begin = _even(traffic.negative.astype(float)), 0
        if self._seasonal:
            forecast, deviation = seasonal_forecast(traffic)
            values -= _even(forecast)
            # Before the first forecast there is nothing to take off, and the mean of that would be learned.
            begin = int(np.isfinite(deviation).any(axis=1).argmax())
        series = values[begin:].T.tolist()
        enough = trailing(traffic.negative, _HALF_HOUR) >= _LEAST

        def rings(threshold: float) -> Rings:
            changes = np.zeros_like(enough)
            changes[begin:] = np.array([_changes(one, threshold) for one in series]).T
            return changes & enough

        return rings


RIVALS: Final[tuple[Rival, ...]] = (
    FixedThreshold(),
    RollingZScore(1),
    RollingZScore(_HALF_HOUR),
    SeasonalResidual(),
    ChangeDetector(seasonal=False),
    ChangeDetector(seasonal=True),
)


def seasonal_forecast(traffic: Traffic) -> tuple[Rates, Rates]:
    """What STL lets expect of each window from the weeks before it.

    Args:
        traffic: Three weeks from its first Monday on are history: forecast as zero, with infinite deviation.

    Returns:
        Negatives of each window, and the deviation of a half-hour's count, both ``[windows, subjects]``.
    """
    forecast = np.zeros(traffic.negative.shape)
    deviation = np.full(traffic.negative.shape, np.inf)
    monday = (MONDAY - traffic.first) % WEEK
    for row in range(monday + 3 * WEEK, len(forecast), WEEK):
        history = traffic.negative[row - 3 * WEEK : row].reshape(-1, _HALF_HOUR, len(traffic.names)).sum(axis=1)
        coming = slice(row, min(row + WEEK, len(forecast)))
        for subject, past in enumerate(history.T.astype(float)):
            # A season that does not change, as in S-H-ESD: a line through three weeks would follow their noise. Jumps
            # are about a tenth of each smoother, as statsmodels advises; without them a fit takes 0.2 s.
            fit = STL(
                past, _HALF_HOURS_A_WEEK, seasonal=_PERIODIC, seasonal_deg=0, trend_jump=50, low_pass_jump=34
            ).fit()
            week = np.maximum(fit.seasonal[-_HALF_HOURS_A_WEEK:] + fit.trend[-1], 0.0) / _HALF_HOUR
            forecast[coming, subject] = np.repeat(week, _HALF_HOUR)[: coming.stop - row]
            deviation[coming, subject] = 1.4826 * np.median(np.abs(fit.resid))
    return forecast, deviation


def _even(counts: Rates) -> Rates:
    """Twice the root, by which a Poisson count has a variance of about one (Anscombe 1948)."""
    return 2 * np.sqrt(counts + 0.375)


def _changes(values: list[float], threshold: float) -> list[bool]:
    detector = PageHinkley(min_instances=_RELEARN, delta=_SLACK, threshold=threshold, mode="up")
    changes = []
    for value in values:
        detector.update(value)
        changes.append(detector.drift_detected)
    return changes
