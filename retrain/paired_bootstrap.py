"""The paired bootstrap, by clusters: how sure it is that one model scores higher than another on the same rows.

Both models' rows are drawn together, since they are right and wrong on the same texts, and near-duplicates are drawn
together, since five copies of one story are one piece of evidence (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapters 13 and 16; Cameron, Gelbach and Miller, "Bootstrap-based improvements for inference with
clustered errors", 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Draws are made so many resamples at a time: the counts of all at once would take a gigabyte on a large part.
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a candidate is ahead of the champion.

    Attributes:
        value: On the rows as they are; below 0 where it is behind.
        low: So far it is ahead at least, one-sided, at the confidence asked for.
        high: So far it is ahead at most, likewise.
        p_not_behind: How likely it is to seem so far behind where it is not: small where it is surely behind.
    """

    value: float
    low: float
    high: float
    p_not_behind: float


def cluster_sums(groups: NDArray[np.intp], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of columns over the rows of each cluster.

    Args:
        groups: Cluster of each row, any numbers, [rows]; at least one row.
        columns: What is summed, [rows, columns].

    Returns:
        float64 [clusters, columns].
    """
    order = np.argsort(groups, kind="stable")
    _, firsts = np.unique(groups[order], return_index=True)
    sums: NDArray[np.float64] = np.add.reduceat(columns[order], firsts, axis=0)
    return sums


def resample(sums: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    """Column sums of resamples, each of as many clusters as there are, drawn with replacement.

    Args:
        sums: From ``cluster_sums``, [clusters, columns].
        resamples: How many.
        seed: Equal seeds draw equally.

    Returns:
        float64 [resamples, columns].
    """
    return np.concatenate([counts @ sums for counts in _counts(len(sums), resamples, seed)])


def difference(value: float, resampled: NDArray[np.float64], confidence: float) -> Difference:
    """Sum up a resampled difference.

    The bounds are percentiles. The p value is that of the normal distribution with the resamples' spread, since a share
    of 2,000 resamples is too coarse to be corrected for a hundred comparisons.

    Args:
        value: On the rows as they are.
        resampled: In each resample.
        confidence: Of each of the two one-sided bounds, such as 0.95.
    """
    low, high = np.quantile(resampled, (1 - confidence, confidence))
    spread = float(resampled.std())
    p_not_behind = float(ndtr(value / spread)) if spread > 0 else float(value >= 0)
    return Difference(value, float(low), float(high), p_not_behind)


def _counts(clusters: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each cluster is drawn, [at most _AT_ONCE resamples, clusters]."""
    generator = np.random.default_rng(seed)
    for done in range(0, resamples, _AT_ONCE):
        count = min(_AT_ONCE, resamples - done)
        drawn = generator.integers(clusters, size=(count, clusters)) + np.arange(count)[:, None] * clusters
        yield np.bincount(drawn.ravel(), minlength=count * clusters).reshape(count, clusters).astype(np.float64)
