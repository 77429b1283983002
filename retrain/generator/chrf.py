"""chrF: how many character n-grams a text and its reference share (Popovic, "chrF", 2015), as sacrebleu computes it.

Counts of texts can be added up, and the score is that of the sum: so a bootstrap resamples counts.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ORDER = 6
_BETA_SQUARED = 4.0
COLUMNS = 3 * _ORDER


def counts(text: str, reference: str) -> NDArray[np.float64]:
    """Counts of n-grams of 1 to 6 characters, blanks left out: of the text, of the reference, and shared.

    Returns:
        float64 [18], three for each length.
    """
    found = np.zeros((_ORDER, 3))
    for length in range(1, _ORDER + 1):
        written, wanted = _ngrams(text, length), _ngrams(reference, length)
        # A reference too short for the length says nothing of it.
        found[length - 1] = (written.total() if wanted else 0, wanted.total(), (written & wanted).total())
    return found.ravel()


def chrf(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """chrF, 0 to 100, of counts that were added up.

    Args:
        sums: [..., 18].

    Returns:
        float64 [...].
    """
    written, wanted, shared = np.moveaxis(sums.reshape(*sums.shape[:-1], _ORDER, 3), -1, 0)
    told = (written > 0) & (wanted > 0)
    lengths = np.maximum(told.sum(axis=-1), 1)
    precision = _ratio(shared, written, told).sum(axis=-1) / lengths
    recall = _ratio(shared, wanted, told).sum(axis=-1) / lengths
    both = _BETA_SQUARED * precision + recall
    score: NDArray[np.float64] = 100 * _ratio((1 + _BETA_SQUARED) * precision * recall, both, both > 0)
    return score


def _ngrams(text: str, length: int) -> Counter[str]:
    characters = "".join(text.split())
    return Counter(characters[place : place + length] for place in range(len(characters) - length + 1))


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(whole), where=where)
