"""BM25 over texts that come and go: a large part that is built now and then, and a small one that is built when asked.

A part of bm25s cannot grow. What has come since the large part was built is a part of its own, its words weighed by how
rare they are in both.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

import numpy as np
from bm25s import BM25

from models.answers.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

# It tells of each index that it builds, at a level of its own that lets everything through.
logging.getLogger("bm25s").setLevel(logging.WARNING)

_K1 = 1.5
_B = 0.75


class Lexicon:
    """Texts with the numbers 0, 1, 2 and so on, in the order in which they were added."""

    def __init__(self) -> None:
        self._main = _Part([])
        self._recent: _Part | None = None
        self._recent_texts: list[str] = []

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """All texts in the large part; takes some four seconds a million words."""
        made = cls()
        made._main = _Part(texts)
        return made

    def __len__(self) -> int:
        return len(self._main) + len(self._recent_texts)

    @property
    def recent(self) -> int:
        """How many texts are in the small part, which is built anew after each change."""
        return len(self._recent_texts)

    def add(self, texts: Sequence[str]) -> None:
        """Put texts behind those that are there."""
        self._recent_texts += texts
        self._recent = None

    def coverage(self, text: str) -> Scores:
        """How much of a query each text covers: its BM25 score over the highest that any text could have.

        The query's words count once each, by their rarity; a word that no text has counts too.

        Args:
            text: The query.

        Returns:
            0 to 1, float32 [texts].
        """
        if self._recent is None:
            self._recent = _Part(self._recent_texts)
        asked = list(dict.fromkeys(words(text)))
        parts = (self._main, self._recent)
        counts = np.sum([part.counts(asked) for part in parts], axis=0)
        rarities = _rarity(counts, len(self))
        most = float(rarities.sum())
        if most <= 0.0:
            return np.zeros(len(self), np.float32)
        scores = np.concatenate([part.scores(asked, rarities) for part in parts])
        return np.minimum(scores / np.float32(most), np.float32(1.0))


class _Part:
    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        parted = [words(text) for text in texts]
        self._bm25: BM25 | None = None
        if any(parted):
            self._bm25 = BM25(k1=_K1, b=_B, method="lucene")
            self._bm25.index(parted, create_empty_token=False, show_progress=False)

    def __len__(self) -> int:
        return self._size

    def counts(self, asked: Sequence[str]) -> NDArray[np.int64]:
        """In how many texts each word is."""
        if self._bm25 is None:
            return np.zeros(len(asked), np.int64)
        starts = self._bm25.scores["indptr"]
        places = [self._bm25.vocab_dict.get(word) for word in asked]
        return np.array([0 if place is None else starts[place + 1] - starts[place] for place in places], np.int64)

    def scores(self, asked: Sequence[str], rarities: Scores) -> Scores:
        """BM25 of each text, as if words were as rare in this part as they are in all."""
        scores = np.zeros(self._size, np.float32)
        if self._bm25 is None:
            return scores
        index = self._bm25.scores
        own = _rarity(self.counts(asked), self._size)
        for word, rarity, own_rarity in zip(asked, rarities, own, strict=True):
            place = self._bm25.vocab_dict.get(word)
            if place is not None:
                held = slice(index["indptr"][place], index["indptr"][place + 1])
                # A text has a word once in the index, however often it stands in it.
                scores[index["indices"][held]] += index["data"][held] * (rarity / own_rarity)
        return scores


def _rarity(counts: NDArray[np.int64], size: int) -> Scores:
    """Lucene's inverse document frequency."""
    return np.log(1.0 + (size - counts + 0.5) / (counts + 0.5)).astype(np.float32)
