"""Spans of hours: the long windows of the scan, for what rises slowly and lasts a day.

Kept as whole hours, so that they cost a subject little. What is expected of an hour is what was expected a day before
it: so no surge that is looked at has been learned yet. A span begins no earlier than when its subject's usual volume
was known on the day before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from streams.logic.surge.calendar import HOURS
from streams.logic.surge.store import NEVER, WAITING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.logic.surge.baseline import Factors
    from streams.logic.surge.calendar import Calendar
    from streams.logic.surge.pool import Pool
    from streams.logic.surge.store import Store

SPANS = (6, 12, 24)
"""Lengths in hours; the last of them may have just begun."""
_LENGTHS = np.array(SPANS)
_AHEAD = max(SPANS)
# Weight of the pooled dispersion: so many spans that do not overlap, and so many counts.
_PRIOR_SPANS, _PRIOR_COUNTS = 3.0, 20.0
_MOST_TIMES = 4.0
# Days differ by a seventh, as long as it is not known by how much.
_USUAL_DIFFERENCE = 0.02
# A deviation is learned up to so many standard deviations.
_OUTLIER = 2.0
# So many hours of a rhythm that is not known yet err together, and over a day all errors cancel.
_ERR_TOGETHER = 6.0


class Spans:
    """Counts of the latest hours, and what was expected of them.

    Args:
        calendar: Windows and hours.
        store: The subjects' figures.
        pool: What all subjects have in common.
        tracks: In which track each kind of surge is counted.
    """

    def __init__(self, calendar: Calendar, store: Store, pool: Pool, tracks: NDArray[np.intp]) -> None:
        self._calendar = calendar
        self._store = store
        self._pool = pool
        self._track = tracks
        self._kept, self._foreseen = store.hours.shape[-1], store.foreseen.shape[-1]
        self._together = _ERR_TOGETHER / _LENGTHS * (1.0 - _LENGTHS / HOURS)

    def roll(self, rows: NDArray[np.intp], hour: int, factors: Factors) -> None:
        """Begin an hour: foresee the same of tomorrow, and what has not been foreseen till then."""
        store, track = self._store, self._track
        before = store.last[rows, None] // self._calendar.windows_an_hour
        hours = hour - np.arange(self._kept)
        counts = store.hours[rows]
        counts[:, :, hours % self._kept] *= (hours <= before)[:, None]
        store.hours[rows] = counts
        # Of those who are not known, the most by far, nothing is foreseen, nor kept.
        known = np.flatnonzero(store.known[rows] != NEVER)
        if not len(known):
            return
        rows, before = rows[known], before[known]
        factors = factors.of(known)
        hours = hour + _AHEAD - np.arange(self._foreseen)
        expected = factors.level[:, track, None] * factors.hourly[:, track][:, :, hours % HOURS]
        expected *= factors.daily[:, track][:, :, self._calendar.weekday(hours)]
        at, foreseen = hours % self._foreseen, store.foreseen[rows]
        foreseen[:, :, at] = np.where((hours > before + _AHEAD)[:, None], expected, foreseen[:, :, at])
        store.foreseen[rows] = foreseen
        store.slow_doubt[rows] = self._doubt(factors, self._calendar.weekday(np.full(len(rows), hour)))

    def _doubt(self, factors: Factors, weekday: NDArray[np.int64]) -> NDArray[np.float64]:
        """Relative variance of what is expected of spans that end on a day of the week, [n, kinds, spans]."""
        of_hours = factors.hour_doubt[:, self._track].mean(axis=2)[:, :, None] / _LENGTHS
        of_rhythm = factors.rhythm_doubt.mean() * self._together
        of_day = factors.day_doubt[weekday][:, None]
        doubt: NDArray[np.float64] = (factors.level_doubt[:, self._track] + of_day)[:, :, None] + of_hours + of_rhythm
        return doubt

    def put(self, rows: NDArray[np.intp], hour: int, counts: NDArray[np.int32], rewritten: NDArray[np.float64]) -> None:
        """Take in the counts of a window, [n, tracks], and how many rewritten copies are to be expected in it."""
        self._store.hours[rows, :, hour % self._kept] += counts
        known = self._store.known[rows] != NEVER
        self._store.foreseen[rows[known], :, hour % self._foreseen] += rewritten[known][:, self._track].astype(
            np.float32
        )

    def recent(
        self, rows: NDArray[np.intp], bucket: int, now: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Observed and expected counts of the spans that end with a bucket.

        Args:
            rows: Rows of the store, [n].
            bucket: The window that has just closed.
            now: Expected counts of its hour so far, [n, tracks].

        Returns:
            float64 [n, tracks, spans] and [n, kinds, spans].
        """
        store, last = self._store, _LENGTHS - 1
        hours = self._calendar.hour(bucket) - np.arange(max(SPANS))
        observed = store.hours[rows[:, None], :, hours % self._kept].cumsum(axis=1, dtype=np.float64)
        expected = store.foreseen[rows[:, None], :, hours % self._foreseen].astype(np.float64)
        expected[:, 0] = now[:, self._track]
        return observed[:, last].transpose(0, 2, 1), expected.cumsum(axis=1)[:, last].transpose(0, 2, 1)

    def lengths(self, bucket: int) -> NDArray[np.intp]:
        """Windows in each span that ends with a bucket, [spans]."""
        each = self._calendar.windows_an_hour
        return (_LENGTHS - 1) * each + bucket % each + 1

    def valid(self, rows: NDArray[np.intp], hour: int | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a subject's usual volume was known as long, [n, spans], for spans that end with an hour."""
        first = np.asarray(hour).reshape(-1, 1) - _LENGTHS + 1
        known = self._store.known[rows, None]
        return np.asarray((known != NEVER) & (first >= known + _AHEAD))

    def dispersion(self, rows: NDArray[np.intp], expected: NDArray[np.float64]) -> NDArray[np.float64]:
        """Variance over mean of the counts of spans, at least 1; [n, kinds, spans] as ``expected`` is."""
        store = self._store
        prior = _LENGTHS * (_PRIOR_SPANS * expected + _PRIOR_COUNTS)
        # Of what subjects have in common half is of each message, half of days, which differ by a part of the count.
        pooled = (self._pool.slow_dispersion - 1.0) * 0.5
        pooled = 1.0 + pooled * (1.0 + np.minimum(expected / self._pool.slow_expected, _MOST_TIMES))
        usual = np.maximum(pooled, 1.0 + _USUAL_DIFFERENCE * expected)
        spread = (store.slow_squares[rows, ..., 0] + prior * usual) / (store.slow_exposure[rows, ..., 0] + prior)
        return np.maximum(spread, 1.0)

    def turn_days(self, rows: NDArray[np.intp], days: NDArray[np.int64]) -> None:
        """So many days are over: what has waited for one is learned, so that no surge under way is in it."""
        store = self._store
        for _ in range(WAITING - 1):
            turned, days = rows[days > 0], days[days > 0] - 1
            squares, expected = store.slow_squares[turned], store.slow_exposure[turned]
            self._pool.learn_spans(squares[..., 1].astype(np.float64), expected[..., 1].astype(np.float64))
            for sums, found in ((store.slow_squares, squares), (store.slow_exposure, expected)):
                found[..., 0] += found[..., 1]
                found[..., 1:] = np.concatenate([found[..., 2:], np.zeros_like(found[..., :1])], axis=-1)
                sums[turned] = found
            rows = turned

    def learn(
        self,
        rows: NDArray[np.intp],
        hour: NDArray[np.int64],
        factors: Factors,
        *,
        fade: float,
        spoiled: NDArray[np.bool_],
    ) -> None:
        """Learn how the spans that end with an hour, each row's own, differ from what was expected.

        Args:
            rows: Rows of the store, [n].
            hour: The last hour of each, [n].
            factors: The fitted model.
            fade: What is left of what was learned before.
            spoiled: Where an alert lies in a span, [n, kinds, spans].
        """
        store = self._store
        hours = (hour[:, None] - np.arange(max(SPANS)))[:, None]
        seen = np.take_along_axis(store.hours[rows][:, self._track], hours % self._kept, axis=2)
        foreseen = np.take_along_axis(store.foreseen[rows], hours % self._foreseen, axis=2)
        observed: NDArray[np.float64] = seen.cumsum(axis=2, dtype=np.float64)[:, :, _LENGTHS - 1]
        expected = np.maximum(foreseen.cumsum(axis=2, dtype=np.float64)[:, :, _LENGTHS - 1], 1e-6)
        spread = self.dispersion(rows, expected)
        # Less than usual is no reason to expect more than usual: a first weekend says nothing of the next working day.
        off = np.maximum(observed - expected, 0.0)
        limit = _OUTLIER * np.sqrt(spread * expected) + 1.0
        doubt = self._doubt(factors, self._calendar.weekday(hour))
        # What is put down to doubt about the baseline is no scatter.
        squares = (
            np.where(off > 0.0, 2.0, 0.0) * np.minimum(off * off, limit * limit) / (1.0 + doubt * expected / spread)
        )
        valid = self.valid(rows, hour)[:, None] & ~spoiled
        self.turn_days(rows, (hour % HOURS == 0).astype(np.int64))
        for sums, found in ((store.slow_squares, squares), (store.slow_exposure, expected)):
            sums[rows, ..., 0] *= fade
            sums[rows, ..., -1] += np.where(valid, found, 0.0)
