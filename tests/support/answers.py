"""Documents, and an encoder whose vectors can be told by hand: a direction for each word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from models.answers.words import words
from streams.contract.replies import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WIDTH = 128


def make_document(id_: str, question: str | None, text: str = "", *, minutes: int = 0, **fields: object) -> Document:
    """An answer, or a page where there is no question, approved so many minutes after noon."""
    given: dict[str, Any] = {"text": text or f"Answer {id_}", "time": NOON + timedelta(minutes=minutes), **fields}
    return Document(id=id_, question=question, **given)


class WordEncoder:
    """Embeds a text as the sum of its words' directions, which are all but at right angles.

    Args:
        salt: Encoders of different salts have directions of their own.
    """

    def __init__(self, salt: str = "") -> None:
        self.sha256 = blake2b(salt.encode(), digest_size=32).hexdigest()
        self.embedded: list[str] = []
        """Every text that was embedded, in order."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded += texts
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> NDArray[np.float32]:
        directions = [self._direction(word) for word in words(text) or [""]]
        total = np.sum(directions, axis=0)
        return (total / np.linalg.norm(total)).astype(np.float32)

    def _direction(self, word: str) -> NDArray[np.float64]:
        seed = int.from_bytes(blake2b(f"{self.sha256}{word}".encode(), digest_size=8).digest())
        return np.random.default_rng(seed).normal(size=WIDTH)
