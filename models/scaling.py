"""Standardising what the heads read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from models.heads import Matrix

# Far below any state that says something, far above what rounding leaves of one that does not.
_LEAST_DEVIATION = 1e-6


class Standardiser(StandardScaler):  # type: ignore[misc]  # scikit-learn has no types
    """To mean 0 and deviation 1, but for what does not vary, which stays as small as it is.

    A trunk may have dead dimensions, in which rounding leaves 1e-30: scaled up, they would be noise to learn from, with
    weights in the served graph that half precision cannot hold.
    """

    def fit(self, rows: Matrix, answers: object = None, sample_weight: object = None) -> Self:
        """Learn mean and deviation of rows [rows, inputs]."""
        super().fit(rows, answers, sample_weight)
        self.scale_[self.scale_ < _LEAST_DEVIATION] = 1.0
        return self
