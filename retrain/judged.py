"""What the gate looks at: how the champion and a candidate answered the same rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

PartName = Literal["frozen", "recent", "control"]
"""The test part by a hash of the id; the newest messages; those of the newest that were drawn by lot."""


@dataclass(frozen=True, slots=True)
class HeadScores:
    """What one head gained on each row of a part; its score is the sum gained over the sum possible.

    One label a row is 1 or 0 gained of 1 possible, so that the score is the accuracy. Several (topics where the domain
    is multi-label, entities) are twice the hits gained of labels given plus labels true possible: F1. The sentiments
    towards a row's entities are as many right of as many labelled.

    Attributes:
        gained: float64 [rows].
        possible: float64 [rows]; 0 where nobody labelled the row, or there is nothing to find in it.
        confidence: Probability of the label that was given, float64 [rows], for heads of one label: calibration is
            judged on it. None for other heads.
    """

    gained: NDArray[np.float64]
    possible: NDArray[np.float64]
    confidence: NDArray[np.float64] | None = None


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
