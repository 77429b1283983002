"""Learns what readers' clicks teach about items' vectors: a linear projection, by in-batch negatives, without torch.

Of a pair of items that one reader took to, the second must be likelier after the first than the second items of the
other pairs of the batch (Yih et al., "Learning Discriminative Projections for Text Similarity Measures", 2011;
Henderson et al., "Efficient Natural Language Response Suggestion for Smart Reply", 2017). Items drawn evenly from all
stand beside them: without those, what is read often is held against an item (Yang et al., "Mixed Negative Sampling",
2020). Optimised with Adam (Kingma and Ba, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from streams.contract.ranking import Projection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

_MOMENTS = (0.9, 0.999)
_TINY = 1e-8
_SAMPLE = 4096
_FIRST_SCALE = 2.0


class TooFewPairsError(ValueError):
    """There is too little to learn from."""


@dataclass(frozen=True, slots=True)
class ProjectionPlan:
    """How a projection is learned.

    Attributes:
        reduced: Dimensions that it leaves.
        epochs: Passes over the pairs.
        batch: Pairs in a batch, and items drawn beside them.
        rate: Of learning, falling to 0.
        decay: L2 penalty.
        pairs: Pairs of an epoch at most, drawn anew for each.
        seed: Equal seeds learn equally.
    """

    reduced: int = 64
    epochs: int = 8
    batch: int = 512
    rate: float = 0.01
    decay: float = 1e-3
    pairs: int = 60_000
    seed: int = 13


_PLAN = ProjectionPlan()


def fit_projection(vectors: Matrix, pairs: NDArray[np.int64], plan: ProjectionPlan = _PLAN) -> Projection:
    """Learn a projection.

    Args:
        vectors: Unit vectors of all items, float32 [items, width].
        pairs: Rows of items, one read after the other, [pairs, 2].
        plan: How.

    Raises:
        TooFewPairsError: There is not even one batch of pairs.
    """
    if len(pairs) < plan.batch:
        raise TooFewPairsError(f"{len(pairs)} pairs of items that were read together, of {plan.batch} that are needed")
    generator = np.random.default_rng(plan.seed)
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    sample = centred[generator.permutation(len(centred))[:_SAMPLE]]
    directions = np.linalg.svd(sample, full_matrices=False)[2][: plan.reduced]
    matrix = (_FIRST_SCALE * directions.T).astype(np.float32)
    appeal = np.zeros(vectors.shape[1], np.float32)
    descents = (_Descent(matrix), _Descent(appeal))
    for epoch in range(plan.epochs):
        rate = plan.rate * (1.0 - epoch / plan.epochs)
        drawn = pairs[generator.permutation(len(pairs))[: plan.pairs]]
        for start in range(0, len(drawn) - plan.batch + 1, plan.batch):
            first, second = drawn[start : start + plan.batch].T
            beside = generator.integers(len(vectors), size=plan.batch)
            before, after = centred[first], centred[np.concatenate([second, beside])]
            slopes = _slopes(matrix, appeal, before, after)
            for descent, slope, parameter in zip(descents, slopes, (matrix, appeal), strict=True):
                descent.step(slope + plan.decay * parameter, rate)
    return Projection(mean, matrix, appeal)


def _slopes(matrix: Matrix, appeal: Matrix, before: Matrix, after: Matrix) -> tuple[Matrix, Matrix]:
    """Gradients of the mean cross-entropy of each pair's second item among all items beside it."""
    left, right = before @ matrix, after @ matrix
    logits = left @ right.T + after @ appeal
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    count = len(before)
    likely[np.arange(count), np.arange(count)] -= 1.0
    likely /= count
    return before.T @ (likely @ right) + after.T @ (likely.T @ left), after.T @ likely.sum(axis=0)


class _Descent:
    """Adam, for one parameter, in place."""

    def __init__(self, parameter: Matrix) -> None:
        self._parameter = parameter
        self._first, self._second = np.zeros_like(parameter), np.zeros_like(parameter)
        self._steps = 0

    def step(self, slope: Matrix, rate: float) -> None:
        self._steps += 1
        first, second = _MOMENTS
        self._first += (1.0 - first) * (slope - self._first)
        self._second += (1.0 - second) * (slope * slope - self._second)
        mean = self._first / (1.0 - first**self._steps)
        spread = np.sqrt(self._second / (1.0 - second**self._steps))
        self._parameter -= rate * mean / (spread + _TINY)
