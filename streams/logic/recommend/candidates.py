"""Items that may be recommended, as arrays: one line an item, so that all are looked at in a few steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from streams.contract.recommendations import Item


class Candidates:
    """Some items.

    Args:
        items: The items.
        vectors: Their unit vectors, float32 [items, width].

    Attributes:
        items: As given.
        ids: Their ids.
        vectors: As given.
        times: When each appeared, seconds since 1970, float64 [items].
        sentiments: Of each, NaN where not told, float64 [items].
    """

    def __init__(self, items: Sequence[Item], vectors: NDArray[np.float32]) -> None:
        self.items = items
        self.ids = [item.id for item in items]
        self.vectors = vectors
        self.times = np.array([item.time.timestamp() for item in items], np.float64)
        self.sentiments = np.array([np.nan if item.sentiment is None else item.sentiment for item in items], np.float64)
        self._topics = {topic: at for at, topic in enumerate(sorted({name for item in items for name in item.topics}))}
        pairs = [(line, self._topics[topic]) for line, item in enumerate(items) for topic in item.topics]
        self._lines, self._columns = np.array(pairs, np.intp).reshape(-1, 2).T
        self._of_each = np.maximum(np.bincount(self._lines, minlength=len(items)), 1)

    def __len__(self) -> int:
        return len(self.items)

    def topic_affinity(self, preferences: Mapping[str, float]) -> NDArray[np.float64]:
        """Mean preference for the topics of each item, [items]; 0 for one without topics."""
        by_topic = np.array([preferences.get(topic, 0.0) for topic in self._topics], np.float64)
        summed = np.bincount(self._lines, by_topic[self._columns], len(self.items))
        mean: NDArray[np.float64] = summed / self._of_each
        return mean
