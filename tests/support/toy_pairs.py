"""Pairs of questions and answers, and vectors by the words of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrain.generator.pairs import Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

THINGS = ("parcel", "invoice", "password", "refund", "voucher", "address", "card", "order")
WIDTH = 64


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors by the words that a text has."""
    vectors = np.full((len(texts), WIDTH), 1e-3, np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            vectors[row, sum(word.encode()) % WIDTH] += 1.0
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def pair(number: int, question: str, answer: str) -> Pair:
    return Pair(id=f"pair:{number}", question=question, answer=answer, topic="service")
