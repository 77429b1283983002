"""The ranker's weights where none were learned."""

from __future__ import annotations

from streams.contract.ranking import RankerWeights

# Mean, scale and coefficient of each.
_DEFAULT = {
    "interest": (0.30, 0.15, 0.6),
    "interest_mean": (0.20, 0.12, 0.1),
    "together": (0.10, 0.25, 0.6),
    "popularity": (1.0, 1.1, 0.7),
    "recency": (0.5, 0.3, 0.4),
    "topic": (0.10, 0.12, 0.3),
    "sentiment": (0.0, 0.3, 0.1),
    "disliked": (0.25, 0.15, -0.3),
}

DEFAULT_WEIGHTS = RankerWeights(
    features=tuple(_DEFAULT),
    means=tuple(mean for mean, _, _ in _DEFAULT.values()),
    scales=tuple(scale for _, scale, _ in _DEFAULT.values()),
    coefficients=tuple(coefficient for _, _, coefficient in _DEFAULT.values()),
    intercept=-4.0,
)
"""Set by judgement, not learned: for news, where text and time say more than on films, what was dismissed is told to be
dismissed, and there is no projection yet. Of popularity, co-occurrence and topics the weights have about the size that
was learned on films (``benchmarks/recommend.py``). Learn your own as soon as there are behaviors."""
