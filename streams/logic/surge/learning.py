"""How a baseline is learned: an hour at a time, robustly, and never from what still can be a surge.

An hour is learned once it has left the scan's horizon, so that a surge under way is not its own baseline. What rang is
learned as if it had been as usual, for a day; what lasts longer is the new usual. Everything is forgotten
exponentially. A silent subject costs nothing: the hours that passed are made good, in closed form, when it is next
heard of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from streams.logic.surge.baseline import KNOWN_COUNTS, LONG_SCALE, SCALES, Baseline
from streams.logic.surge.calendar import HOURS
from streams.logic.surge.store import NEVER, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from streams.logic.surge.calendar import Calendar
    from streams.logic.surge.pool import Pool

# Dispersion is forgotten sooner than levels: in a subject's first days it holds the error of a rhythm not known yet.
_DISPERSION_HALF_LIFE_HOURS = 72.0
# A count is learned up to so many standard deviations above what was expected; a deviation likewise.
_OUTLIER = 3.0
# What has rung for so long is the new usual.
_SHIFT_HOURS = 24


class Learner:
    """Keeps the subjects' figures.

    Args:
        calendar: Windows and hours.
        store: The figures.
        pool: What all subjects have in common.
        baseline: The model.
        warm_up_hours: In a subject's first hours all that comes is learned as it is.
        tracks: In which track each kind of surge is counted.
    """

    def __init__(
        self,
        *,
        calendar: Calendar,
        store: Store,
        pool: Pool,
        baseline: Baseline,
        warm_up_hours: float,
        tracks: Sequence[int],
    ) -> None:
        self._calendar = calendar
        self._store = store
        self._pool = pool
        self._baseline = baseline
        self._warm_up_hours = warm_up_hours
        self._each = calendar.windows_an_hour
        self._hours = store.ring.shape[-1] // self._each
        self._fade = 0.5 ** (1.0 / _DISPERSION_HALF_LIFE_HOURS)
        # Which kinds' alerts spoil a track: its own; and all messages are spoiled by any.
        self._spoils = np.zeros((store.ring.shape[1], len(tracks)), np.bool_)
        self._spoils[tracks, np.arange(len(tracks))] = True
        self._spoils[0] = True

    def take(self, rows: NDArray[np.intp], bucket: int, counts: NDArray[np.int32]) -> None:
        """Put the counts of one window in, after having learned what has left the horizon.

        Args:
            rows: Rows of the store, [n].
            bucket: The window; later than any before.
            counts: [n, tracks].
        """
        store = self._store
        hour = self._calendar.hour(bucket)
        fresh = rows[store.last[rows] == NEVER]
        store.born[fresh] = store.until[fresh] = hour
        behind = rows[store.rolled[rows] != hour]
        if len(behind):
            self._catch_up(behind, hour)
            self._baseline.foresee(behind, hour)
        size = store.ring.shape[-1]
        window = bucket - (bucket - np.arange(size)) % size
        ring = store.ring[rows]
        ring *= (window <= store.last[rows, None])[:, None]
        ring[:, :, bucket % size] = counts
        store.ring[rows] = ring
        store.last[rows] = bucket

    def _catch_up(self, rows: NDArray[np.intp], hour: int) -> None:
        """Learn the hours that a scan in this hour no longer reaches."""
        store = self._store
        end = hour - self._hours + 1
        while True:
            due = rows[(store.until[rows] < end) & (store.until[rows] <= store.last[rows] // self._each)]
            if not len(due):
                break
            self._learn_hour(due)
        silent = rows[store.until[rows] < end]
        if len(silent):
            self._learn_silence(silent, end)

    def _learn_hour(self, rows: NDArray[np.intp]) -> None:
        """Learn one hour that was heard, each row its own."""
        store = self._store
        hour = store.until[rows]
        phase, weekday = hour % HOURS, self._calendar.weekday(hour)
        size = store.ring.shape[-1]
        window = hour[:, None] * self._each + np.arange(size)
        counts = np.take_along_axis(store.ring[rows], (window % size)[:, None, :], axis=2).astype(np.float64)
        # Columns beyond the latest window still hold older ones.
        counts *= (window <= store.last[rows, None])[:, None]

        factors = self._baseline.factors(rows)
        at = np.arange(len(rows))
        usual = factors.level * factors.hourly[at, :, phase] * factors.daily[at, :, weekday]
        known = self._baseline.mass(rows) >= KNOWN_COUNTS
        spread = self._baseline.dispersion(rows, usual[:, :, None] * self._baseline.reach)
        variance = spread[:, :, LONG_SCALE] * usual + factors.doubt[at, :, phase] * usual * usual
        learned = self._usual_part(rows, hour, counts[:, :, : self._each].sum(axis=2), usual, variance)
        squares = self._squares(counts, usual / self._each, spread)
        rang, _ = self._rang(rows, hour, self._hours)
        squares = np.where(rang[:, :, None], spread * usual[:, :, None] * self._baseline.reach, squares)

        self._pool.learn(hour, factors.level, learned, squares / self._baseline.reach, usual, known)
        for sums, place in ((store.hourly, phase), (store.daily, weekday)):
            sums[rows] *= self._calendar.keep
            sums[rows, :, place] += learned.astype(np.float32)
        store.squares[rows] = self._fade * store.squares[rows] + np.where(known[:, :, None], squares, 0.0)
        store.exposure[rows] = self._fade * store.exposure[rows] + np.where(known, usual, 0.0)
        store.until[rows] = hour + 1

    def _usual_part(
        self,
        rows: NDArray[np.intp],
        hour: NDArray[np.int64],
        seen: NDArray[np.float64],
        usual: NDArray[np.float64],
        variance: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """What of the counts of an hour is to be learned, [n, tracks]."""
        rang, shifted = self._rang(rows, hour, 1)
        new = (hour - self._store.born[rows] < self._warm_up_hours)[:, None]
        capped = np.minimum(seen, usual + _OUTLIER * np.sqrt(variance) + 1.0)
        return np.where(rang, usual, np.where(shifted | new, seen, capped))

    def _rang(
        self, rows: NDArray[np.intp], hour: NDArray[np.int64], hours: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether the latest alert lies in some hours, [n, tracks]: within its first day, and after that."""
        started, resolved = self._store.started[rows], self._store.resolved[rows]
        first = hour[:, None] * self._each
        within = (started < first + hours * self._each) & ((resolved < started) | (resolved >= first))
        long = hour[:, None] - started // self._each >= _SHIFT_HOURS
        return self._spoiled(within & ~long), self._spoiled(within & long)

    def _spoiled(self, kinds: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tracks [n, tracks] that some of the kinds [n, kinds] spoil."""
        spoiled: NDArray[np.bool_] = np.any(kinds[:, None] & self._spoils, axis=2)
        return spoiled

    def _squares(
        self, counts: NDArray[np.float64], expected: NDArray[np.float64], spread: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Sums of squared deviations of the windows of each scale that are laid into an hour, [n, tracks, scales]."""
        squares = np.empty((*expected.shape, len(SCALES)))
        total = np.concatenate([np.zeros((*expected.shape, 1)), counts.cumsum(axis=2)], axis=2)
        for scale, (length, tiles) in enumerate(zip(SCALES, self._baseline.tiles.tolist(), strict=True)):
            mean = expected[:, :, None] * length
            off = np.diff(total[:, :, np.arange(tiles + 1) * length], axis=2) - mean
            limit = (_OUTLIER * np.sqrt(spread[:, :, scale, None] * mean) + 1.0) ** 2
            squares[:, :, scale] = np.minimum(off * off, limit).sum(axis=2)
        return squares

    def _learn_silence(self, rows: NDArray[np.intp], end: int) -> None:
        """Learn the hours, up to ``end``, in which nothing was heard."""
        store = self._store
        first = store.until[rows]
        passed = end - first
        level = self._baseline.factors(rows).level
        known = self._baseline.mass(rows) >= KNOWN_COUNTS
        squares = self._baseline.tiles * (level[:, :, None] / self._each * np.array(SCALES)) ** 2
        self._pool.learn_silence(first, np.full_like(first, end), level, squares / self._baseline.reach, known)
        keep = (self._calendar.keep**passed)[:, None, None]
        store.hourly[rows] *= keep
        store.daily[rows] *= keep
        fade = (self._fade**passed)[:, None]
        weight = np.where(known, (1.0 - fade) / (1.0 - self._fade), 0.0)
        store.squares[rows] = fade[:, :, None] * store.squares[rows] + weight[:, :, None] * squares
        store.exposure[rows] = fade * store.exposure[rows] + weight * level
        store.until[rows] = end
