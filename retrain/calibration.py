"""Whether a probability means what it says, and the temperatures of a graph's heads (``models.temperature``).

The expected calibration error is that of Guo et al., "On Calibration of Modern Neural Networks" (2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from models.temperature import LabelledLogits, fit_temperature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from models.manifest import Labels
    from models.temperature import Temperature
    from retrain.answers import RowAnswer
    from retrain.rows import Head, Row

BINS = 15


class Bin(Struct, frozen=True):
    """Answers whose probability lies in one stretch of equal width."""

    answers: int
    confidence: float
    """Their mean probability."""
    accuracy: float
    """Share of them that is right."""


class Calibration(Struct, frozen=True, kw_only=True):
    """How far probabilities are from the shares of right answers."""

    ece: float
    """Expected calibration error: the mean distance of the bins, weighed by their answers. Where these are but a few
    hundred, chance alone makes it some hundredths."""
    bins: list[Bin]
    """Those that hold answers, ascending."""


def calibration(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    """Measure the calibration of answers.

    Args:
        confidences: Probability of each answer, float64 [answers].
        right: Whether it was right, bool [answers].
    """
    numbers = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(numbers, minlength=BINS)
    filled = np.flatnonzero(counts)
    chance = np.bincount(numbers, confidences, BINS)[filled] / counts[filled]
    share = np.bincount(numbers, right.astype(np.float64), BINS)[filled] / counts[filled]
    error = float((np.abs(chance - share) * counts[filled]).sum() / counts.sum()) if filled.size else 0.0
    bins = [Bin(*row) for row in zip(counts[filled].tolist(), chance.tolist(), share.tolist(), strict=True)]
    return Calibration(ece=error, bins=bins)


def fit_temperatures(rows: Sequence[Row], answers: Sequence[RowAnswer], labels: Labels) -> dict[Head, Temperature]:
    """Find the temperature of each head that makes the validation part likeliest.

    Args:
        rows: The validation part.
        answers: To them, in their order, by a graph whose heads have no temperature yet.
        labels: Names of the graph's outputs.

    Returns:
        By head; 1.0 where fewer than ``MIN_ITEMS`` rows are labelled.
    """
    answered = list(zip(rows, answers, strict=True))
    heads: dict[Head, LabelledLogits | None] = {
        "topic": _topics(rows, answers, labels),
        "sentiment": _choices(
            ([(answer.sentiment_logits, row.sentiment)] for row, answer in answered), labels.sentiments
        ),
        "intent": _choices(([(answer.intent_logits, row.intent)] for row, answer in answered), labels.intents),
        "entities": _choices(
            (zip(answer.tag_logits, answer.tags, strict=True) for answer in answers), labels.entity_tags
        ),
        "towards": _choices(
            (
                [
                    (logits, entity.sentiment)
                    for logits, entity in zip(answer.towards_logits, row.entities or (), strict=True)
                ]
                for row, answer in answered
            ),
            labels.sentiments,
        ),
    }
    return {head: fit_temperature(labelled) for head, labelled in heads.items() if labelled is not None}


def _choices(
    texts: Iterable[Iterable[tuple[NDArray[np.float32], str | None]]], names: Sequence[str]
) -> LabelledLogits | None:
    """Text by text the logits that somebody labelled, with a label that the graph knows."""
    by_text = [[(logits, names.index(name)) for logits, name in pairs if name in names] for pairs in texts]
    known = [pair for pairs in by_text for pair in pairs]
    if not known:
        return None
    return LabelledLogits(
        np.stack([logits for logits, _ in known]).astype(np.float64),
        np.array([number for _, number in known]),
        texts=sum(map(bool, by_text)),
    )


def _topics(rows: Sequence[Row], answers: Sequence[RowAnswer], labels: Labels) -> LabelledLogits | None:
    labelled = [(answer, row.topics) for row, answer in zip(rows, answers, strict=True) if row.topics is not None]
    if labels.topic_mode == "single":
        return _choices(([(answer.topic_logits, topics[0])] for answer, topics in labelled if topics), labels.topics)
    if not labelled:
        return None
    true = [[int(name in topics) for name in labels.topics] for _, topics in labelled]
    logits = np.concatenate([answer.topic_logits for answer, _ in labelled])
    return LabelledLogits(logits.astype(np.float64), np.array(true, np.int64).ravel(), binary=True, texts=len(labelled))
