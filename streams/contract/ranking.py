"""The ranker of recommendations as a version keeps it: weights of features, and a projection of items' vectors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RankerWeights(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A linear score of standardised features; ``ranker.json`` of a version.

    The score is ``intercept + sum(coefficients * (features - means) / scales)``; a logistic model's, so that its
    sigmoid is a probability under the negatives that it was fitted with.
    """

    schema: Literal[1] = 1
    features: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Names, in the order of the figures below."""
    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float = 0.0
    embedder: str | None = None
    """SHA-256 of the graph whose vectors the version's projection takes; None without a projection."""

    def __post_init__(self) -> None:
        """Refuse weights that no score can be made of."""
        figures = (self.means, self.scales, self.coefficients)
        if any(len(each) != len(self.features) for each in figures) or len(set(self.features)) != len(self.features):
            raise ValueError("each feature has one name of its own, and one mean, scale and coefficient")
        if not all(math.isfinite(value) for each in (*figures, (self.intercept,)) for value in each):
            raise ValueError("means, scales, coefficients and intercept must be finite")
        if not all(scale > 0 for scale in self.scales):
            raise ValueError("scales must be above 0")


class Projection(NamedTuple):
    """What readers' clicks teach about items' vectors: which directions go together, and which are liked by all.

    An item of vector ``x`` scores ``(x - mean) @ matrix @ q + (x - mean) @ appeal`` for a reader whose items lie at
    ``q``, the mean of their ``(x - mean) @ matrix``.
    """

    mean: NDArray[np.float32]
    """[width]"""
    matrix: NDArray[np.float32]
    """[width, reduced]"""
    appeal: NDArray[np.float32]
    """[width]"""


class Examples(NamedTuple):
    """What a ranker is learned from: questions, each of one item that a reader took to and several that were there."""

    names: tuple[str, ...]
    """Of the features."""
    features: NDArray[np.float64]
    """[rows, features], NaN where a feature is not known."""
    taken: NDArray[np.bool_]
    """[rows] Whether the reader took to it; one row of each question."""
    questions: NDArray[np.int64]
    """[rows] Number of the question, ascending."""
    readers: NDArray[np.int64]
    """[rows] Number of the reader who was asked."""

    def where(self, rows: NDArray[np.bool_]) -> Examples:
        """Some of the rows."""
        return Examples(self.names, self.features[rows], self.taken[rows], self.questions[rows], self.readers[rows])
