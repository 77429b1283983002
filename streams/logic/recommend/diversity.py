"""Not ten times the same: maximal marginal relevance (Carbonell and Goldstein, "The Use of MMR", 1998)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_ALIKE = 0.99


def mmr(scores: NDArray[np.float64], vectors: NDArray[np.float32], limit: int, diversity: float) -> NDArray[np.intp]:
    """Choose items one by one: each is the one that scores highest for what it is unlike those chosen before.

    An encoder finds any two texts of one kind somewhat alike: only what is more alike than these items are on average
    counts as alike.

    Args:
        scores: Of the items, [items]; they are brought to 0 to 1, so that they compare with cosines.
        vectors: Unit vectors, float32 [items, width].
        limit: How many to choose at most.
        diversity: From 0, by scores alone, to 1, by unlikeness alone; MMR's 1 - lambda.

    Returns:
        Places of the chosen items in order; with a limit of all items, a permutation.
    """
    count = min(limit, len(scores))
    if not count:
        return np.empty(0, np.intp)
    low, high = float(scores.min()), float(scores.max())
    relevance = (scores - low) / (high - low) if high > low else np.zeros(len(scores))
    usual = _mean_cosine(vectors)
    nearest = np.zeros(len(scores))
    left = np.ones(len(scores), bool)
    chosen = np.empty(count, np.intp)
    for at in range(count):
        gain = np.where(left, (1.0 - diversity) * relevance - diversity * nearest, -np.inf)
        best = int(gain.argmax())
        chosen[at] = best
        left[best] = False
        nearest = np.maximum(nearest, (vectors @ vectors[best] - usual) / (1.0 - usual))
    return chosen


def _mean_cosine(vectors: NDArray[np.float32]) -> float:
    """Mean cosine of two different ones; below 1, so that it can be divided by what is left."""
    count = len(vectors)
    if count == 1:
        return 0.0
    summed = vectors.sum(axis=0, dtype=np.float64)
    return min(max((float(summed @ summed) - count) / (count * (count - 1)), 0.0), _MOST_ALIKE)
