"""The best that any detector can do with planted surges, so that what is impossible by arithmetic is seen as such.

Both are told what no detector can know: each window's true rate, the shape of its noise, and by how much a surge rises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from benchmarks.support.surge.planted import LASTS, draw
from benchmarks.support.surge.traffic import HOUR, WEEK, rhythms, trailing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.support.surge.planted import KnownDesk, Surge
    from benchmarks.support.surge.traffic import Counts, Rates

Statistic = Literal["cusum", "half_hour"]

_HALF_HOUR = HOUR // 2
_GREATEST_BASE = 1000.0
# Of the desk before a surge, in which an oracle's sum settles.
_BEFORE = 4 * HOUR


def greatest_share(base: float, factor: float, windows: int, *, alarms_a_week: float, shape: float) -> float:
    """Neyman and Pearson's bound on the share of surges that is found within so many windows.

    Whatever a detector does, "it rings within these windows" is a test of whether a surge began with them. Without a
    surge it happens with a probability of at most the windows' number times the false alarms a window; and no test of
    that size has more power than the likelihood ratio's, which is told even when the surge began. The windows' sum is
    sufficient.

    Args:
        base: Negatives an hour.
        factor: So many times as many in the surge.
        windows: How long one may wait.
        alarms_a_week: False alarms that ONE subject may have.
        shape: Of the windows' own rates.

    Returns:
        A share that no detector with so few false alarms exceeds.
    """
    size = min(1.0, windows * alarms_a_week / WEEK)
    calm, surge = (_sum_of(windows, mean, shape) for mean in (base / HOUR, factor * base / HOUR))
    bar = calm.isf(size)
    # Exactly of the size: at the bar itself chance decides.
    part = (size - calm.sf(bar)) / calm.pmf(bar)
    return float(surge.sf(bar) + part * surge.pmf(bar))


def least_base(factor: float, windows: int, share: float, *, alarms_a_week: float, shape: float) -> float:
    """From which base rate on, negatives an hour, the bound is at least a given share; to a tenth."""
    low, high = 0.0, _GREATEST_BASE
    while high - low > 0.1:
        middle = (low + high) / 2
        if greatest_share(middle, factor, windows, alarms_a_week=alarms_a_week, shape=shape) >= share:
            high = middle
        else:
            low = middle
    return high


@dataclass(frozen=True, slots=True)
class Oracle:
    """A sequential test that knows the rates, and rings as seldom as it may.

    ``cusum`` is optimal in the mean delay of the worst case (Page 1954; Moustakides 1986), ``half_hour``, the
    likelihood ratio of the last six windows, for a wait that is bounded by them (Guepie, Fillatre, Nikiforov 2012).
    """

    statistic: Statistic
    factor: float
    shape: float
    threshold: float

    def delays(self, desk: KnownDesk, surges: Sequence[Surge]) -> list[float | None]:
        """Minutes to each surge, all of this oracle's factor; infinite where it does not ring.

        None where it rings already.
        """
        spans = [slice(surge.row - _BEFORE, surge.row + LASTS + 1) for surge in surges]
        negative = np.stack(
            [
                np.concatenate([desk.traffic.negative[span.start : surge.row, surge.subject], surge.negative])
                for span, surge in zip(spans, surges, strict=True)
            ],
            axis=1,
        )
        mean = np.stack([desk.mean[span, surge.subject] for span, surge in zip(spans, surges, strict=True)], axis=1)
        rings = _value(self.statistic, negative, mean, self.factor, self.shape) > self.threshold
        before, during = rings[_BEFORE - 1], rings[_BEFORE:]
        first = during.argmax(axis=0)
        return [
            None if before[n] else surge.delay(int(first[n])) if during[first[n], n] else np.inf
            for n, surge in enumerate(surges)
        ]


def oracles(
    base: int, factors: Sequence[float], *, alarms_a_week: float, shape: float, subjects: int, weeks: int, seed: int
) -> list[Oracle]:
    """Oracles for one base rate, their thresholds set by simulation of stationary traffic of that rate.

    Args:
        base: Negatives an hour in the mean; the rhythm is that of the planted desk.
        factors: Of the surges.
        alarms_a_week: False alarms that ONE subject may have.
        shape: Of the windows' own rates.
        subjects: How many are simulated.
        weeks: For how long; with ``subjects`` enough for some dozens of alarms.
        seed: Of the randomness.
    """
    rng = np.random.default_rng([seed, base])
    mean = rhythms(rng, weeks * WEEK, subjects) * base / HOUR
    negative = draw(rng, mean, shape)
    allowed = max(1, round(alarms_a_week * subjects * weeks))
    return [
        Oracle(statistic, factor, shape, _threshold(_value(statistic, negative, mean, factor, shape), allowed))
        for factor in factors
        for statistic in ("cusum", "half_hour")
    ]


def _sum_of(windows: int, mean: float, shape: float) -> stats.rv_discrete:
    """Of independent negative binomial counts of one mean and shape."""
    return stats.nbinom(windows * shape, shape / (shape + mean))


def _value(statistic: Statistic, negative: Counts, mean: Rates, factor: float, shape: float) -> Rates:
    ratio: Rates = negative.astype(float) * np.log(factor * (shape + mean) / (shape + factor * mean))
    ratio -= shape * np.log((shape + factor * mean) / (shape + mean))
    if statistic == "half_hour":
        return trailing(ratio, _HALF_HOUR)
    value = np.zeros(ratio.shape[1])
    for row in ratio:
        np.maximum(value + row, 0.0, out=value)
        row[:] = value
    return ratio


def _threshold(value: Rates, allowed: int) -> float:
    """The least that so many excursions above zero reach; zero where there are not so many."""
    flat = np.concatenate([value, np.zeros((1, value.shape[1]))]).T.ravel()
    above = flat > 0
    begins = np.flatnonzero(above & ~np.concatenate([[False], above[:-1]]))
    ends = np.flatnonzero(above & ~np.concatenate([above[1:], [False]])) + 1
    if len(begins) < allowed:
        return 0.0
    # Every second stretch between these bounds is an excursion.
    peaks = np.maximum.reduceat(flat, np.stack([begins, ends], axis=1).ravel())[::2]
    return float(np.sort(peaks)[-allowed])
