"""What the gate looks at: how the champion and a candidate answered the same rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PartName = Literal["frozen", "recent", "control"]
"""The test part by a hash of the id; the newest messages; those of the newest that were drawn by lot."""


_BINS = 10
_EDGES = np.linspace(0, 1, _BINS + 1)[1:-1]


@dataclass(frozen=True, slots=True)
class Sureness:
    """How far the probabilities of a head's answers are from their being right, row by row: calibration adds these up.

    Attributes:
        excess: Probability less being right (1 or 0), summed over the row's answers in each bin of probability, float64
            [rows, bins].
        answers: How many they are, float64 [rows].
    """

    excess: NDArray[np.float64]
    answers: NDArray[np.float64]

    @classmethod
    def of(
        cls, places: NDArray[np.int64], confidences: NDArray[np.float64], right: NDArray[np.bool_], rows: int
    ) -> Sureness | None:
        """Sum up answers by their rows.

        Args:
            places: Row of each answer, int64 [answers].
            confidences: Probability of each, float64 [answers].
            right: Whether it was right, bool [answers].
            rows: Of the part.

        Returns:
            None where there is no answer: a model that says nothing of how sure it is, is not perfectly calibrated.
        """
        if not places.size:
            return None
        bins = places * _BINS + np.digitize(confidences, _EDGES)
        excess = np.bincount(bins, confidences - right, rows * _BINS).astype(np.float64)
        return cls(excess.reshape(rows, _BINS), np.bincount(places, minlength=rows).astype(np.float64))


@dataclass(frozen=True, slots=True)
class HeadScores:
    """What one head gained on each row of a part; its score is the sum gained over the sum possible.

    One label a row is 1 or 0 gained of 1 possible, so that the score is the accuracy. Several (topics where the domain
    is multi-label, entities) are twice the hits gained of labels given plus labels true possible: F1. The sentiments
    towards a row's entities are as many right of as many labelled.

    Attributes:
        gained: float64 [rows].
        possible: float64 [rows]; 0 where nobody labelled the row, or there is nothing to find in it.
        sureness: What calibration is judged by; None where the model lacks the head, or found nothing by it.
    """

    gained: NDArray[np.float64]
    possible: NDArray[np.float64]
    sureness: Sureness | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of the data set, and how one model answered them.

    Attributes:
        ids: Ids of the rows; both models must have answered the very same.
        groups: Number of each row's cluster of near-duplicates, [rows].
        heads: By ``topic``, ``sentiment``, ``intent``, ``entities`` and ``towards``, as far as rows are labelled.
        slices: Rows of each slice, such as ``source=Example News``, bool [rows].
    """

    ids: tuple[str, ...]
    groups: NDArray[np.intp]
    heads: Mapping[str, HeadScores]
    slices: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """All that the gate looks at of one model, as exported.

    Attributes:
        parts: By name; one may be missing or empty.
        perturbed: Rows of the frozen part with each perturbation, such as ``typos``.
        latency_ms: Median time of reading one text, in the same process on the same texts as the other model.
    """

    parts: Mapping[PartName, Part]
    perturbed: Mapping[str, Part]
    latency_ms: float
