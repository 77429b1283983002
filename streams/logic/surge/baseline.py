"""What each subject's own past lets expect: level, daily and weekly rhythm, dispersion. Vectorised over subjects.

The model of a count is Gamma-Poisson: level x hour-of-day factor x day-of-week factor, each factor shrunk to the
profile of the whole desk, and that one to 1, in the manner of empirical Bayes. Dispersion is measured at each length of
window (quasi-likelihood, McCullagh & Nelder 1989), so that neither bursts nor slow waves are taken for surges. How the
figures come about is told in ``learning``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from streams.logic.surge.calendar import HOURS, Calendar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.logic.surge.pool import Pool
    from streams.logic.surge.store import Store

SCALES = (1, 2, 3, 4, 6, 9, 12, 18, 24)
"""Lengths of the scan's windows, in counting windows."""
LEVEL_HALF_LIFE_HOURS = 168.0
"""Levels and rhythms are forgotten so."""
KNOWN_COUNTS = 5.0
"""A subject with fewer counts knows neither its level nor its dispersion."""
LONG_SCALE = SCALES.index(12)
"""The scale whose dispersion stands for that of an hour."""
# Weight of the prior, in counts: of the level, and of a factor of the rhythm.
_LEVEL_PRIOR = 0.5
_RHYTHM_PRIOR = 20.0
# In the first days a rhythm that is not known yet passes for noise; it must not keep itself from being learned.
_MOST_NOISE = 4.0
# Weight of the pooled dispersion, in counts and in windows.
_DISPERSION_PRIOR = 20.0


class Factors(NamedTuple):
    """The fitted model of n subjects."""

    level: NDArray[np.float64]
    """[n, tracks] Counts an hour."""
    hourly: NDArray[np.float64]
    """[n, tracks, 24] Factors of the hours of the day."""
    daily: NDArray[np.float64]
    """[n, tracks, 7] Factors of the days of the week."""
    level_doubt: NDArray[np.float64]
    """[n, tracks] Relative variance of the level."""
    hour_doubt: NDArray[np.float64]
    """[n, tracks, 24] Relative variance of the factors of the hours, as they differ from the pooled ones."""
    rhythm_doubt: NDArray[np.float64]
    """[24] That of the pooled ones."""
    day_doubt: NDArray[np.float64]
    """[7] Relative variance of the factors of the days."""

    def of(self, subjects: NDArray[np.intp]) -> Factors:
        """Some of the subjects, by their places."""
        own = (each[subjects] for each in self[: Factors._fields.index("rhythm_doubt")])
        return Factors._make([*own, self.rhythm_doubt, self.day_doubt])

    def doubt(self, phase: int, weekday: int) -> NDArray[np.float64]:
        """Relative variance, [n, tracks], of what is expected of an hour of the day on a day of the week."""
        doubt: NDArray[np.float64] = (
            self.level_doubt + self.hour_doubt[:, :, phase] + self.rhythm_doubt[phase] + self.day_doubt[weekday]
        )
        return doubt


class Recent(NamedTuple):
    """The latest windows of n subjects, [n, tracks, scales] each."""

    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    """What the past lets expect, and the rewritten copies of what is copied now."""
    rewritten: NDArray[np.float64]
    """These alone."""


class Baseline:
    """Tells what to expect.

    Args:
        calendar: Windows and hours.
        store: Where the subjects' figures are.
        pool: What all subjects have in common.
    """

    def __init__(self, calendar: Calendar, store: Store, pool: Pool) -> None:
        self._calendar = calendar
        self._store = store
        self._pool = pool
        each = calendar.windows_an_hour
        self.tiles = np.array([max(1, each // scale) for scale in SCALES])
        """[scales] How many windows of each scale are laid into an hour; a long one reaches into those after it."""
        self.reach = self.tiles * np.array(SCALES) / each
        """[scales] Hours that these cover."""

    def recent(self, rows: NDArray[np.intp], bucket: int) -> Recent:
        """Observed and expected counts of the windows that end with a bucket."""
        store = self._store
        column = (bucket - np.arange(max(SCALES))) % store.ring.shape[-1]
        at = np.array(SCALES) - 1
        observed = store.ring[rows[:, None], :, column].cumsum(axis=1, dtype=np.float64)[:, at]
        usual = store.expected[rows[:, None], :, column].cumsum(axis=1, dtype=np.float64)[:, at]
        copies = store.copies[rows[:, None], :, column].cumsum(axis=1, dtype=np.float64)[:, at]
        rewritten = self._pool.rewritten * copies
        return Recent(*(each.transpose(0, 2, 1) for each in (observed, usual + rewritten, rewritten)))

    def dispersion(self, rows: NDArray[np.intp], expected: NDArray[np.float64]) -> NDArray[np.float64]:
        """Variance over mean of the counts at each scale, at least 1.

        Args:
            rows: Rows of the store, [n].
            expected: Expected counts, [n, tracks, scales]; the prior weighs windows as well as counts.

        Returns:
            float64 [n, tracks, scales].
        """
        store = self._store
        prior = _DISPERSION_PRIOR * (1.0 + expected)
        seen = store.exposure[rows][:, :, None] * self.reach
        spread: NDArray[np.float64] = (store.squares[rows] + prior * self._pool.dispersion) / (seen + prior)
        return np.maximum(spread, 1.0)

    def mass(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Forgotten counts, [n, tracks]."""
        mass: NDArray[np.float64] = self._store.hourly[rows].sum(axis=-1, dtype=np.float64)
        return mass

    def hour_so_far(self, rows: NDArray[np.intp], bucket: int) -> NDArray[np.float64]:
        """Expected counts, [n, tracks], of the windows of an hour up to a bucket."""
        store = self._store
        column = np.arange(bucket - bucket % self._calendar.windows_an_hour, bucket + 1) % store.ring.shape[-1]
        expected = (
            store.expected[rows[:, None], :, column] + self._pool.rewritten * store.copies[rows[:, None], :, column]
        )
        so_far: NDArray[np.float64] = expected.sum(axis=1, dtype=np.float64)
        return so_far

    def foresee(self, rows: NDArray[np.intp], hour: int) -> Factors:
        """Make the expected counts of the ring's windows, the last of which is the last of this hour."""
        store, each = self._store, self._calendar.windows_an_hour
        size = store.ring.shape[-1]
        first = hour + 1 - size // each
        season = self._calendar.season(first, size // each)
        factors = self.factors(rows)
        level, hourly, daily = factors.level, factors.hourly, factors.daily
        rhythm = hourly[:, :, season.before] * (1.0 - season.weight) + hourly[:, :, season.after] * season.weight
        expected = (level[:, :, None] / each) * rhythm * daily[:, :, season.weekday]
        store.expected[rows[:, None], :, (first * each + np.arange(size)) % size] = expected.transpose(0, 2, 1)
        weekday = int(season.weekday[-1])
        store.doubt[rows] = factors.doubt(hour % HOURS, weekday)
        store.rolled[rows] = hour
        return factors

    def factors(self, rows: NDArray[np.intp]) -> Factors:
        """The fitted model.

        One pass of a coordinate-wise fit: the level under the pooled rhythm, each rhythm under that level, the level
        under its own rhythm.
        """
        store, pool = self._store, self._pool
        by_hour = store.hourly[rows].astype(np.float64)
        by_day = store.daily[rows].astype(np.float64)
        mass = by_hour.sum(axis=2)
        hours, days = self._calendar.lived(store.born[rows], store.until[rows])
        lived = np.maximum(hours.sum(axis=1), 1e-9)[:, None]
        noise = pool.dispersion[:, LONG_SCALE, None]
        weight = _RHYTHM_PRIOR * np.minimum(noise, _MOST_NOISE)

        pooled_hours = hours @ pool.hourly.T / lived
        pooled_days = days @ pool.daily.T / lived
        prior = _LEVEL_PRIOR / pool.level
        level = (mass + _LEVEL_PRIOR) / (pooled_hours * pooled_days * lived + prior)
        hourly = (by_hour + weight * pool.hourly) / ((level * pooled_days)[:, :, None] * hours[:, None] + weight)
        daily = (by_day + weight * pool.daily) / ((level * pooled_hours)[:, :, None] * days[:, None] + weight)
        own_hours = (hourly * hours[:, None]).sum(axis=2) / lived
        own_days = (daily * days[:, None]).sum(axis=2) / lived
        level = (mass + _LEVEL_PRIOR) / (own_hours * own_days * lived + prior)
        return Factors(
            level,
            hourly,
            daily,
            level_doubt=noise[..., 0] / (mass + _LEVEL_PRIOR),
            hour_doubt=np.minimum(noise, _MOST_NOISE) / (by_hour + weight * pool.hourly),
            rhythm_doubt=pool.unknown_hours,
            day_doubt=pool.unknown_days,
        )


def ring_size(windows_an_hour: int) -> int:
    """How many windows a ring holds, in whole hours: the scan's horizon, and one hour beyond it."""
    return windows_an_hour * (1 - (1 - max(SCALES)) // windows_an_hour)
