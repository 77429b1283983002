"""What the ranker sees of an item and a reader: one line an item, NaN where nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.contract.ranking import Projection
    from streams.logic.recommend.candidates import Candidates
    from streams.logic.recommend.counts import ItemCounts
    from streams.logic.recommend.interests import Interests

    Vectors = NDArray[np.float32]
    Column = NDArray[np.float64]

FEATURES = (
    "interest",
    "interest_mean",
    "affinity",
    "new_affinity",
    "new_appeal",
    "new",
    "together",
    "popularity",
    "recency",
    "topic",
    "sentiment",
    "disliked",
)
"""Columns of ``Lookout.features``: greatest cosine with an interest; the interests' weighted mean cosine; likeness in
the learned projection; this, the learned appeal and 1, each as far as nobody has read the item yet; how much it goes
with what was read; log of its faded count; how lately it appeared, from 0 to 1; preference for its topics; the reader's
mood times its sentiment; greatest cosine with what was dismissed."""


class Scene(NamedTuple):
    """What is the same for all readers."""

    counts: ItemCounts
    freshness: float
    """Seconds after which an item is half as new."""
    projection: Projection | None = None
    share: float = 1.0
    """Of all readers, those whose behaviors are counted: as many as there are, others have done likewise."""


class Lookout:
    """A reader at a moment, seen from all items.

    Args:
        reader: The reader.
        scene: What is the same for all.
        now: Seconds since 1970.
    """

    def __init__(self, reader: Interests, scene: Scene, now: float) -> None:
        self._reader = reader
        self._scene = scene
        self._now = now
        self._vectors, weights = reader.vectors(now)
        self._shares = weights / weights.sum() if len(weights) and weights.sum() > 0 else np.zeros(len(weights))
        self.together = scene.counts.together(
            [(item, weight) for item, (_, weight) in reader.recent.items() if weight > 0]
        )
        """How much each item of the counts' table goes with what was read."""
        self.preferences = reader.topics()
        """For each topic, as ``Interests.topics`` tells them."""

    def queries(self) -> Vectors:
        """Vectors whose nearest items are worth a look: the interests, and what the projection makes of them."""
        projection = self._scene.projection
        if projection is None or not len(self._vectors):
            return self._vectors
        # A likeness in the projection is a dot product with one vector in the items' own space.
        learned = projection.matrix @ self._projected(projection) + projection.appeal
        return np.concatenate([self._vectors, learned[None].astype(np.float32)])

    def features(self, candidates: Candidates) -> NDArray[np.float64]:
        """Features of items, float64 [items, len(FEATURES)]."""
        cosines = candidates.vectors @ self._vectors.T if len(self._vectors) else None
        affinity, appeal = self._learned(candidates.vectors)
        counts = self._scene.counts
        popularity = counts.popularity(candidates.ids, self._now) / self._scene.share
        # Text stands in for counts as long as there are none.
        new = 1.0 / (1.0 + popularity)
        age = np.maximum(self._now - candidates.times, 0.0)
        disliked = self._reader.disliked
        columns = {
            "interest": None if cosines is None else cosines.max(axis=1),
            "interest_mean": None if cosines is None else cosines @ self._shares,
            "affinity": affinity,
            "new_affinity": None if affinity is None else affinity * new,
            "new_appeal": None if appeal is None else appeal * new,
            "new": new,
            "together": np.sqrt(counts.scores_of(candidates.ids, self.together)),
            "popularity": np.log1p(popularity),
            "recency": 0.5 ** (age / self._scene.freshness),
            "topic": candidates.topic_affinity(self.preferences),
            "sentiment": candidates.sentiments * self._reader.mood(),
            "disliked": None if not len(disliked) else (candidates.vectors @ disliked.T).max(axis=1),
        }
        nothing = np.full(len(candidates), np.nan)
        return np.stack([nothing if (each := columns[name]) is None else each for name in FEATURES], axis=1)

    def _learned(self, vectors: Vectors) -> tuple[Column | None, Column | None]:
        projection = self._scene.projection
        if projection is None:
            return None, None
        centred = vectors - projection.mean
        appeal = centred @ projection.appeal
        if not len(self._vectors):
            return None, appeal
        return centred @ (projection.matrix @ self._projected(projection)), appeal

    def _projected(self, projection: Projection) -> Vectors:
        """Where the reader lies in the projection, [reduced]."""
        centre: Vectors = self._shares.astype(np.float32) @ (self._vectors - projection.mean)
        return centre @ projection.matrix
