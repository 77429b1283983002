"""How sure it is that what was found answers what was asked: one number out of two likenesses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]


class Weights(NamedTuple):
    """A logistic regression on the two likenesses."""

    cosine: float
    coverage: float
    bias: float


# Fitted by benchmarks/retrieval.py with the default encoder, and printed by it anew beside these: Banking77's questions
# of the training part, some as the index (1, 3 or 10 of an intent, and a quarter of the intents without any), others
# asked; what was found is right where it has the intent that was asked for. Passages of pages are scored likewise: they
# are farther from questions than questions are, and so must be better to count, which errs on the safe side. Beside the
# vectors of bge-small, words that are shared add nothing; with MiniLM's they did.
WEIGHTS = Weights(cosine=13.3, coverage=0.0, bias=-9.4)


def score(cosines: Scores, coverages: Scores) -> Scores:
    """The chance that each answers the question.

    Args:
        cosines: Cosine of the query's vector and each one's, -1 to 1.
        coverages: How much of the query's words each has, 0 to 1 (``Lexicon.coverage``).

    Returns:
        0 to 1, float32, in the same order.
    """
    logits = WEIGHTS.cosine * cosines + WEIGHTS.coverage * coverages + WEIGHTS.bias
    return (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)
