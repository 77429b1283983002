"""Ranks candidates for a reader: features, a linear score, diversity, and a reason for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from streams.contract.recommendations import RecommendedItem
from streams.logic.recommend.diversity import mmr
from streams.logic.recommend.features import FEATURES, Lookout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from streams.contract.ranking import RankerWeights
    from streams.contract.recommendations import Item, Recommendation, RecommendationReason
    from streams.logic.recommend.candidates import Candidates

# Diversity is sought among so many times the items that are wanted: further down it costs too much.
_POOL = 5
_POPULARITY = FEATURES.index("popularity")
_REASONS: dict[str, RecommendationReason] = {
    "interest": "because_you_read",
    "interest_mean": "because_you_read",
    "affinity": "because_you_read",
    "new_affinity": "because_you_read",
    "together": "because_you_read",
    "topic": "topic",
    "popularity": "popular",
    "new_appeal": "recent",
    "new": "recent",
    "recency": "recent",
}

_WITHOUT_NAMES: dict[RecommendationReason, str] = {
    "because_you_read": "because of what you read",
    "topic": "because of its topic",
    "popular": "popular now",
    "recent": "new",
}


class Read(NamedTuple):
    """What a reader read lately and can be named as a reason."""

    items: list[Item]
    vectors: NDArray[np.float32]


class WeightsError(ValueError):
    """The weights are of features that this version does not know; the message names them."""


class Scorer:
    """Weights in the order of ``FEATURES``; a feature that they do not name counts nothing.

    Args:
        weights: Of a ranker's version.

    Raises:
        WeightsError: They name a feature that is unknown.
    """

    def __init__(self, weights: RankerWeights) -> None:
        unknown = sorted(set(weights.features) - set(FEATURES))
        if unknown:
            raise WeightsError(
                f"the ranker weighs {', '.join(unknown)}, which this version of Tocsin does not know: serve another "
                "version of the ranker, or update Tocsin"
            )
        at = {name: place for place, name in enumerate(weights.features)}

        def ordered(values: tuple[float, ...], absent: float) -> NDArray[np.float64]:
            return np.array([values[at[name]] if name in at else absent for name in FEATURES], np.float64)

        self._means = ordered(weights.means, 0.0)
        self._scales = ordered(weights.scales, 1.0)
        self._coefficients = ordered(weights.coefficients, 0.0)
        self.intercept = weights.intercept

    def contributions(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each feature adds to each score; 0 where it is not known. Shape as given, [items, features]."""
        return np.nan_to_num((features - self._means) / self._scales) * self._coefficients

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of items, [items]; their sigmoid is a probability."""
        total: NDArray[np.float64] = self.contributions(features).sum(axis=1) + self.intercept
        return total


def rank(
    lookout: Lookout, candidates: Candidates, scorer: Scorer, read: Read, *, limit: int, diversity: float
) -> list[RecommendedItem]:
    """The best items for a reader, with reasons.

    Args:
        lookout: The reader at a moment.
        candidates: Items that may be recommended; the reader has not seen them.
        scorer: The ranker.
        read: What may be named in "because you read"; may be empty.
        limit: Most items.
        diversity: As in ``mmr``.
    """
    if not len(candidates):
        return []
    features = lookout.features(candidates)
    contributions = scorer.contributions(features)
    scores = contributions.sum(axis=1)
    is_read = features[:, _POPULARITY] > 0
    pool = np.argsort(-scores, kind="stable")[: limit * _POOL]
    chosen = pool[mmr(scores[pool], candidates.vectors[pool], limit, diversity)]
    return [
        _told(
            candidates.items[place],
            _probability(scores[place] + scorer.intercept),
            contributions[place],
            _liked_topic(candidates.items[place], lookout.preferences),
            candidates.vectors[place],
            read,
            is_read=bool(is_read[place]),
        )
        for place in chosen
    ]


def without_titles(told: Recommendation) -> Recommendation:
    """What is published in the place of a recommendation that the brokers refuse as too large: ids and scores."""
    return msgspec.structs.replace(
        told,
        items=[msgspec.structs.replace(item, title="", why=_WITHOUT_NAMES[item.reason]) for item in told.items],
    )


def _liked_topic(item: Item, preferences: Mapping[str, float]) -> str | None:
    """Of an item's topics the one that the reader likes best; None where the reader likes none of them."""
    best = max(item.topics, key=lambda topic: preferences.get(topic, 0.0), default=None)
    return best if best is not None and preferences.get(best, 0.0) > 0 else None


def _told(
    item: Item,
    score: float,
    contributions: NDArray[np.float64],
    topic: str | None,
    vector: NDArray[np.float32],
    read: Read,
    *,
    is_read: bool,
) -> RecommendedItem:
    """An item with what spoke most for it, or least against it, and is true."""
    for_it: dict[RecommendationReason, float] = {}
    for name, amount in zip(FEATURES, contributions.tolist(), strict=True):
        if name in _REASONS:
            reason = _REASONS[name]
            for_it[reason] = for_it.get(reason, 0.0) + amount
    if not read.items:
        for_it.pop("because_you_read", None)
    if topic is None:
        for_it.pop("topic", None)
    if not is_read:
        for_it.pop("popular", None)
    reason = max(for_it, key=lambda name: for_it[name])
    because = read.items[int((read.vectors @ vector).argmax())] if reason == "because_you_read" else None
    return RecommendedItem(
        item=item.id,
        score=round(score, 6),
        reason=reason,
        why=_words(reason, topic, because),
        title=item.title or item.text,
        because=None if because is None else because.id,
    )


def _words(reason: RecommendationReason, topic: str | None, because: Item | None) -> str:
    if because is not None:
        return f"because you read “{because.title or because.text}”"
    return f"because you read about {topic}" if reason == "topic" else _WITHOUT_NAMES[reason]


def _probability(score: float) -> float:
    return float(1.0 / (1.0 + np.exp(-score)))
