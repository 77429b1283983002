"""Vectors that come and are looked for by cosine: exactly while they are few, in a graph (HNSW) once they are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.hnsw import Index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]
    Places = NDArray[np.int64]

# Below this all are compared in some two milliseconds, and nothing is missed.
_EXACT_BELOW = 4096
# usearch's default, 128, takes twice as long to add and finds no more among 100,000.
_EXPANSION_ADD = 64


class Vectors:
    """Unit vectors with the numbers 0, 1, 2 and so on, in the order in which they were added.

    Args:
        width: Dimensions of each.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._index = Index(
            ndim=width, metric="cos", dtype="f32", expansion_add=_EXPANSION_ADD, enable_key_lookups=True
        )

    def __len__(self) -> int:
        return len(self._index)

    def add(self, vectors: Matrix) -> None:
        """Put vectors, float32 [vectors, width], behind those that are there."""
        first = len(self._index)
        # One thread: the others read messages.
        self._index.add(np.arange(first, first + len(vectors)), vectors, threads=1)

    def get(self, places: Sequence[int] | Places) -> Matrix:
        """The vectors with these numbers, float32 [places, width]."""
        return np.asarray(self._index.get(np.asarray(places, np.int64)), np.float32)

    def nearest(self, vector: Matrix, count: int) -> Places:
        """Numbers of the vectors that are nearest to one, nearest first.

        Args:
            vector: Float32 [width].
            count: How many at most.
        """
        exact = len(self._index) < _EXACT_BELOW
        return np.asarray(self._index.search(vector, count, exact=exact, threads=1).keys, np.int64)
