"""What recommending is measured against; each scores all items for all readers, [readers, items]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.support.recommend.log import Matrices
    from streams.contract.recommendations import Item

    Scores = NDArray[np.float64]

_NEIGHBOURS = 100
_SEED = 29


def random(_items: Sequence[Item], train: Matrices) -> Scores:
    """By lot."""
    return np.random.default_rng(_SEED).random(train.liked.shape)


def most_popular(_items: Sequence[Item], train: Matrices) -> Scores:
    """By how many readers took to it."""
    return np.broadcast_to(train.liked.sum(axis=0, dtype=np.float64), train.liked.shape)


def recency(items: Sequence[Item], train: Matrices) -> Scores:
    """The newest first."""
    return np.broadcast_to(np.array([item.time.timestamp() for item in items]), train.liked.shape)


def tfidf(items: Sequence[Item], train: Matrices) -> Scores:
    """Cosine of an item's TF-IDF vector (words and pairs of words) with the sum of those that the reader took to."""
    vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit_transform(
        [item.text for item in items]
    )
    profiles = (vectors.T @ train.liked.T).T
    return np.asarray((vectors @ profiles.T).T, np.float64)


def item_knn(_items: Sequence[Item], train: Matrices) -> Scores:
    """Sum of the cosines with what the reader took to, of the 100 nearest items of each (Sarwar et al., 2001)."""
    together = train.liked.T @ train.liked
    lengths = np.sqrt(np.diag(together))
    cosines = together / np.maximum(np.outer(lengths, lengths), 1e-9)
    np.fill_diagonal(cosines, 0.0)
    if cosines.shape[0] > _NEIGHBOURS:
        least = np.partition(cosines, -_NEIGHBOURS, axis=1)[:, -_NEIGHBOURS][:, None]
        cosines[cosines < least] = 0.0
    scores: Scores = (train.liked @ cosines).astype(np.float64)
    return scores


RIVALS: dict[str, Callable[[Sequence[Item], Matrices], Scores]] = {
    "random": random,
    "most_popular": most_popular,
    "recency": recency,
    "tfidf": tfidf,
    "item_knn": item_knn,
}
