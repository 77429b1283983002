"""What is measured of a text so that it can be compared with others, as laid down by a model's training texts."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Protocol

import numpy as np
from msgspec import Meta, Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from streams.contract.records import SourceKind

TopicMode = Literal["single", "multi"]

NEIGHBOURS = 512
"""Most training texts that a text's novelty is measured from."""
_SEED = 13
_DIRECTIONS = 8
# Directions that hold no more than rounding errors would turn with the weather.
_LEAST_SPREAD = 1e-4
_NEAREST = 5
_LETTERS = 200
_SIGNIFICANT_DIGITS = 5
_NO_SCRIPT = "NONE"
_NO_TOPIC = "none"


class Answer(Protocol):
    """What a model answers for a text; a ``Reading`` and a ``Prediction`` are such."""

    @property
    def topics(self) -> Sequence[str]:
        """The topics given."""

    @property
    def topic_scores(self) -> Mapping[str, float]:
        """Probability of each."""

    @property
    def sentiment(self) -> str:
        """Of the text as a whole."""

    @property
    def sentiment_scores(self) -> Mapping[str, float]:
        """Probability of each."""

    @property
    def intent(self) -> str | None:
        """What a customer wants."""

    @property
    def intent_scores(self) -> Mapping[str, float] | None:
        """Probability of each."""


class Measures(NamedTuple):
    """One text as it is compared: numbers and categories, by the name of what is measured.

    A name with a stroke, such as ``embedding/3``, is a part of what stands before it.
    """

    numbers: dict[str, float]
    categories: dict[str, str]


class Yardstick(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """What texts that a model was fitted on lay down: what is common, how embeddings differ, what is near.

    Raises:
        ValueError: An array's size does not fit the width.
    """

    width: Annotated[int, Meta(ge=1)]
    topic_mode: TopicMode
    pieces: dict[int, int]
    """How often each word piece stood in the texts. Numbers, so that no words of theirs can be read here."""
    mean: bytes
    """Of the embeddings: little-endian float32 [width]."""
    directions: bytes
    """In which the embeddings differ, the one in which they differ most first: float32 [directions, width]."""
    neighbours: bytes
    """Embeddings of texts drawn by lot: float16 [texts, width]."""

    def __post_init__(self) -> None:
        """Refuse what was cut."""
        for name, size, row in (
            ("mean", len(self.mean), 4 * self.width),
            ("directions", len(self.directions), 4 * self.width),
            ("neighbours", len(self.neighbours), 2 * self.width),
        ):
            if not size or size % row or (name == "mean" and size != row):
                raise ValueError(f"{name} has {size} bytes, which are not vectors of width {self.width}")

    @classmethod
    def laid_down(
        cls, vectors: NDArray[np.float32], pieces: Iterable[Sequence[int]], topic_mode: TopicMode
    ) -> Yardstick:
        """A yardstick from texts that a model was fitted on.

        Args:
            vectors: Unit vectors of them, or of as many as are wanted, float32 [texts, width]; one at least.
            pieces: Word pieces of each of them.
            topic_mode: Whether a text has one topic or several.
        """
        mean = vectors.mean(axis=0)
        _, spread, directions = np.linalg.svd(vectors - mean, full_matrices=False)
        count = int((spread[:_DIRECTIONS] > _LEAST_SPREAD * spread[0]).sum()) or 1
        drawn = np.sort(np.random.default_rng(_SEED).permutation(len(vectors))[:NEIGHBOURS])
        counts = Counter(piece for text in pieces for piece in text)
        return cls(
            width=vectors.shape[1],
            topic_mode=topic_mode,
            pieces=dict(sorted(counts.items())),
            mean=mean.astype("<f4").tobytes(),
            directions=directions[:count].astype("<f4").tobytes(),
            neighbours=vectors[drawn].astype("<f2").tobytes(),
        )

    def measure(
        self, text: str, kind: SourceKind, answer: Answer, vector: NDArray[np.float32], pieces: Sequence[int]
    ) -> Measures:
        """Measure one text.

        Numbers: ``length`` in characters; ``vocabulary``, the mean information of its word pieces in bits by their
        frequency in the training texts, with one added to each (Laplace); ``novelty``; ``confidence``, the probability
        of what the least sure head answers; and ``embedding/1`` on, the coordinates along the directions. Categories:
        ``script``, ``topic`` (the likeliest of those given), ``sentiment``, and of customers' messages ``intent``.

        Args:
            text: The text.
            kind: Its kind.
            answer: What the model answers for it.
            vector: Its unit vector, float32 [width].
            pieces: Its word pieces.
        """
        numbers = {
            "length": float(len(text)),
            "vocabulary": self._information(pieces),
            "novelty": self.novelty(vector),
            "confidence": self._confidence(answer, kind),
        }
        coordinates = (self._directions @ (vector - self._mean)).tolist()
        numbers |= {f"embedding/{number}": value for number, value in enumerate(coordinates, 1)}
        scores = answer.topic_scores
        categories = {
            "script": script(text),
            "topic": max(answer.topics, key=lambda topic: scores.get(topic, 0.0), default=_NO_TOPIC),
            "sentiment": answer.sentiment,
        }
        if kind == "customer" and answer.intent is not None:
            categories["intent"] = answer.intent
        return Measures({name: _rounded(value) for name, value in numbers.items()}, categories)

    def novelty(self, vector: NDArray[np.float32]) -> float:
        """Mean cosine distance of a text to the training texts nearest to it: 0 for a copy, 2 at most.

        Distance to the k nearest as a score of outliers: Angiulli and Pizzuti, "Fast Outlier Detection in High
        Dimensional Spaces", 2002.

        Args:
            vector: Its unit vector, float32 [width].
        """
        likeness = self._neighbours @ vector
        return float(1.0 - np.sort(likeness)[-_NEAREST:].mean())

    def _information(self, pieces: Sequence[int]) -> float:
        if not pieces:
            return 0.0
        counts = np.fromiter((self.pieces.get(piece, 0) for piece in pieces), np.float64, len(pieces))
        # One class more than was seen stands for all that was not.
        return float(-np.log2((counts + 1.0) / (self._pieces_read + len(self.pieces) + 1)).mean())

    def _confidence(self, answer: Answer, kind: SourceKind) -> float:
        topics = list(answer.topic_scores.values())
        if self.topic_mode == "single":
            surest = [max(topics, default=1.0)]
        else:  # each topic is a question of its own
            surest = [max(score, 1.0 - score) for score in topics]
        surest.append(max(answer.sentiment_scores.values(), default=1.0))
        if kind == "customer" and answer.intent_scores:
            surest.append(max(answer.intent_scores.values()))
        return min(surest)

    @cached_property
    def _pieces_read(self) -> int:
        return sum(self.pieces.values())

    @cached_property
    def _mean(self) -> NDArray[np.float32]:
        return np.frombuffer(self.mean, "<f4").astype(np.float32)

    @cached_property
    def _directions(self) -> NDArray[np.float32]:
        return np.frombuffer(self.directions, "<f4").reshape(-1, self.width).astype(np.float32)

    @cached_property
    def _neighbours(self) -> NDArray[np.float32]:
        return np.frombuffer(self.neighbours, "<f2").reshape(-1, self.width).astype(np.float32)


def script(text: str) -> str:
    """The script of most of a text's first letters, as Unicode names it: ``LATIN``, ``CJK``, ``CYRILLIC``."""
    found: Counter[str] = Counter()
    letters = 0
    for char in text:
        if char.isalpha():
            found[unicodedata.name(char, _NO_SCRIPT).partition(" ")[0]] += 1
            letters += 1
            if letters == _LETTERS:
                break
    return found.most_common(1)[0][0] if found else _NO_SCRIPT


def _rounded(value: float) -> float:
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
