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
from streams.logic.surge.spans import SPANS
from streams.logic.surge.store import NEVER, Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.logic.surge.calendar import Calendar
    from streams.logic.surge.pool import Pool
    from streams.logic.surge.spans import Spans

# Dispersion is forgotten sooner than levels: in a subject's first days it holds the error of a rhythm not known yet.
_DISPERSION_HALF_LIFE_HOURS = 72.0
# That of spans of hours is seen less often.
_SLOW_HALF_LIFE_HOURS = 336.0
# A count is learned up to so many standard deviations above what was expected; a deviation likewise.
_OUTLIER = 3.0
# A subject begins where it has had so many times the rate of before since then.
_BEGINS = 2.0
# What has rung for so long is the new usual.
_SHIFT_HOURS = 24


class Learner:
    """Keeps the subjects' figures.

    Args:
        calendar: Windows and hours.
        store: The figures.
        pool: What all subjects have in common.
        baseline: The model.
        spans: The spans of hours.
        warm_up_hours: In a subject's first hours all that comes is learned as it is.
        warm_up_messages: A subject has a usual volume once so many of its messages are older than that.
        tracks: In which track each kind of surge is counted.
    """

    def __init__(
        self,
        *,
        calendar: Calendar,
        store: Store,
        pool: Pool,
        baseline: Baseline,
        spans: Spans,
        warm_up_hours: float,
        warm_up_messages: float,
        tracks: NDArray[np.intp],
    ) -> None:
        self._calendar = calendar
        self._store = store
        self._pool = pool
        self._baseline = baseline
        self._spans = spans
        self._warm_up_hours = warm_up_hours
        self._warm_up_messages = warm_up_messages
        # In whole hours, since what is learned is learned by the hour; below half of one, all that is learned counts.
        self._warm_up = min(HOURS, round(warm_up_hours))
        self._each = calendar.windows_an_hour
        self._hours = store.ring.shape[-1] // self._each
        self._fade = 0.5 ** (1.0 / _DISPERSION_HALF_LIFE_HOURS)
        self._slow_fade = 0.5 ** (1.0 / _SLOW_HALF_LIFE_HOURS)
        # Which kinds' alerts spoil a track: its own; and all messages are spoiled by any.
        self._spoils = np.zeros((store.ring.shape[1], len(tracks)), np.bool_)
        self._spoils[tracks, np.arange(len(tracks))] = True
        self._spoils[0] = True

    def take(self, rows: NDArray[np.intp], bucket: int, counts: NDArray[np.int32], copies: NDArray[np.int32]) -> None:
        """Put the counts of one window in, after having learned what has left the horizon.

        Args:
            rows: Rows of the store, [n].
            bucket: The window; later than any before.
            counts: [n, tracks].
            copies: Left out of them, [n, tracks].
        """
        store = self._store
        hour = self._calendar.hour(bucket)
        fresh = rows[store.last[rows] == NEVER]
        store.born[fresh] = store.until[fresh] = hour
        behind = rows[store.rolled[rows] != hour]
        if len(behind):
            self._catch_up(behind, hour)
            self._spans.roll(behind, hour, self._baseline.foresee(behind, hour))
        size = store.ring.shape[-1]
        window = bucket - (bucket - np.arange(size)) % size
        for kept, new in ((store.ring, counts), (store.copies, copies)):
            ring = kept[rows]
            ring *= (window <= store.last[rows, None])[:, None]
            ring[:, :, bucket % size] = new
            kept[rows] = ring
        self._spans.put(rows, hour, counts, self._pool.rewritten * copies)
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
        # Columns beyond the latest window still hold older ones.
        is_of_now = (window <= store.last[rows, None])[:, None]
        counts, copies = (
            np.take_along_axis(kept[rows], (window % size)[:, None], axis=2) * is_of_now
            for kept in (store.ring, store.copies)
        )
        rewritten = self._pool.rewritten * copies

        factors = self._baseline.factors(rows)
        at = np.arange(len(rows))
        usual = factors.level * factors.hourly[at, :, phase] * factors.daily[at, :, weekday]
        known = self._baseline.mass(rows) >= KNOWN_COUNTS
        spread = self._baseline.dispersion(rows, usual[:, :, None] * self._baseline.reach)
        doubt = factors.level_doubt + factors.hour_doubt[at, :, phase]
        doubt += (factors.rhythm_doubt[phase] + factors.day_doubt[weekday])[:, None]
        variance = spread[:, :, LONG_SCALE] * usual + doubt * usual * usual
        seen = counts[:, :, : self._each].sum(axis=2, dtype=np.float64)
        left_out = copies[:, 0, : self._each].sum(axis=1, dtype=np.float64)
        self._pool.learn_stories(left_out, seen[:, 0] - usual[:, 0], variance[:, 0])
        seen = np.maximum(seen - rewritten[:, :, : self._each].sum(axis=2), 0.0)
        learned = self._usual_part(rows, hour, seen, usual, variance)
        squares = self._squares(counts - rewritten, usual / self._each, spread)
        # What is put down to doubt about the baseline is no scatter: a rhythm that is not known yet passes for none.
        doubted = doubt[:, :, None] * usual[:, :, None] / self._each * np.array(SCALES) / spread
        squares /= 1.0 + doubted
        trust = 1.0 / (1.0 + doubted[:, :, LONG_SCALE])
        rang, _ = self._rang(rows, hour, self._hours)
        squares = np.where(rang[:, :, None], spread * usual[:, :, None] * self._baseline.reach, squares)
        spoiled = np.stack([self._rings_within(rows, hour, length) for length in SPANS], axis=2)
        self._spans.learn(rows, hour, factors, fade=self._slow_fade, spoiled=spoiled)

        self._pool.learn(hour, factors.level, learned, squares / self._baseline.reach, usual, known, trust)
        for sums, place in ((store.hourly, phase), (store.daily, weekday)):
            sums[rows] *= self._calendar.keep
            sums[rows, :, place] += learned.astype(np.float32)
        store.squares[rows] = self._fade * store.squares[rows] + np.where(known, trust, 0.0)[:, :, None] * squares
        store.exposure[rows] = self._fade * store.exposure[rows] + np.where(known, trust, 0.0) * usual
        store.until[rows] = hour + 1
        self._get_to_know(rows)

    def _get_to_know(self, rows: NDArray[np.intp]) -> None:
        """Take a subject's volume for known once enough messages are older than the warm-up.

        Where most came since then, though there was time for them before, the subject has but begun: strays before its
        beginning tell nothing of its usual volume, and it is learned anew from the latest hours alone.
        """
        store, latest = self._store, self._warm_up
        rows = rows[store.known[rows] == NEVER]
        age = store.until[rows] - store.born[rows]
        rows, age = rows[age >= self._warm_up_hours], age[age >= self._warm_up_hours]
        if not len(rows):
            return
        hours = store.until[rows][:, None] - np.arange(1, latest + 1)
        counts = np.take_along_axis(store.hours[rows], (hours % store.hours.shape[-1])[:, None], axis=2)
        counts = counts * self._calendar.keep ** np.arange(latest)
        new = counts[:, 0].sum(axis=1)
        old = self._baseline.mass(rows)[:, 0] - new
        enough = old >= self._warm_up_messages
        begins = enough & (age >= 2 * latest) & (new * (age - latest) > _BEGINS * old * latest)
        store.known[rows[enough & ~begins]] = store.until[rows[enough & ~begins]]
        anew, hours, counts = rows[begins], hours[begins], counts[begins]
        for name in ("hourly", "daily", "squares", "exposure", "slow_squares", "slow_exposure"):
            getattr(store, name)[anew] = 0.0
        for sums, place in ((store.hourly, hours % HOURS), (store.daily, self._calendar.weekday(hours))):
            tracks = np.arange(counts.shape[1])[:, None]
            np.add.at(sums, (anew[:, None, None], tracks, place[:, None]), counts.astype(np.float32))
        store.born[anew] = store.until[anew] - latest

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

    def _rings_within(self, rows: NDArray[np.intp], hour: NDArray[np.int64], hours: int) -> NDArray[np.bool_]:
        """Whether the latest alert of each kind, [n, kinds], lies in so many hours up to one."""
        started, resolved = self._store.started[rows], self._store.resolved[rows]
        first = (hour[:, None] - hours + 1) * self._each
        within: NDArray[np.bool_] = (started < (hour[:, None] + 1) * self._each) & (
            (resolved < started) | (resolved >= first)
        )
        return within

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
        # Of spans that were silent throughout nothing is learned; they would say that the subject is never in waves.
        self._spans.turn_days(rows, (end - 1) // HOURS - (first - 1) // HOURS)
        slow_fade = (self._slow_fade**passed)[:, None, None]
        store.slow_squares[rows, ..., 0] *= slow_fade
        store.slow_exposure[rows, ..., 0] *= slow_fade
        store.until[rows] = end
