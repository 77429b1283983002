"""The tests: is a count, or a share, more than chance explains? Vectorised; all in -log10 of the p-value.

Counts: exceedance of a negative binomial, as in Noufaily et al. 2013 (doi 10.1002/sim.5595), whose variance holds the
dispersion at that length of window and the doubt about the baseline; over several lengths of window at once (a scan
statistic), so that short sharp surges and long mild ones are both seen.

Shares: exceedance of a beta-binomial, with Rao and Scott's (1992) design effect: counts divided by the inflation of
their variance, then the binomial's exact tail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, gammainc

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_SCORE = 300.0
"""Where doubles end."""


def count_scores(
    observed: NDArray[np.float64], mean: NDArray[np.float64], variance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """-log10 P(X >= observed) for negative binomial X; Poisson where the variance is no greater than the mean.

    Args:
        observed: Counts, any shape; at least 1.
        mean: Above 0.
        variance: Of the same shape.
    """
    extra = variance - mean
    poisson = extra <= 1e-9 * mean
    size = mean * mean / np.where(poisson, 1.0, extra)
    tail = np.where(
        poisson,
        gammainc(observed, mean),
        betainc(observed, np.where(poisson, 1.0, size), 1.0 - mean / np.where(poisson, 2.0 * mean, variance)),
    )
    return _score(tail)


def share_scores(
    observed: NDArray[np.float64],
    volume: NDArray[np.float64],
    share: NDArray[np.float64],
    concentration: NDArray[np.float64],
) -> NDArray[np.float64]:
    """-log10 P(X >= observed) for beta-binomial X of ``volume`` trials.

    Args:
        observed: Counts, any shape; at least 1.
        volume: All messages, at least ``observed``.
        share: Mean share, in (0, 1).
        concentration: How many messages the mean share is known from.
    """
    inflation = 1.0 + (volume - 1.0) / (concentration + 1.0)
    hits, trials = observed / inflation, volume / inflation
    return _score(betainc(hits, trials - hits + 1.0, share))


def _score(tail: NDArray[np.float64]) -> NDArray[np.float64]:
    score: NDArray[np.float64] = -np.log10(np.maximum(tail, 10.0**-LARGEST_SCORE))
    return score
