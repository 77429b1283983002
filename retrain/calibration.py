"""Whether a probability means what it says, and one number a head that makes it so.

Temperature scaling and the expected calibration error are those of Guo et al., "On Calibration of Modern Neural
Networks" (2017). A temperature changes no answer, only how sure it is: so it is fitted on the validation part, and
folded into the head's last weights, and whoever serves the graph needs to know nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from models.heads import Linear, Mlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from models.heads import Heads
    from models.manifest import Labels
    from retrain.answers import RowAnswer
    from retrain.rows import Head, Row

BINS = 15
MIN_ITEMS = 50
"""Labelled answers below which a temperature would be fitted to chance: the head is left as it is."""

# A factor of twenty either way; a head that wants more is wrong in other ways.
_LARGEST = 20.0


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


class Temperature(Struct, frozen=True, kw_only=True):
    """By what a head's logits are divided, and what that did to the validation part."""

    value: float
    items: int
    """Labelled answers that it was fitted on."""
    loss_before: float
    """Mean negative log-likelihood; 0 where nothing was labelled."""
    loss_after: float


@dataclass(frozen=True, slots=True)
class _Labelled:
    """Logits of a head, and the labels, as numbers or (of several topics) as yes and no."""

    logits: NDArray[np.float64]
    labels: NDArray[np.int64]
    binary: bool = False

    def loss(self, temperature: float) -> float:
        """Mean negative log-likelihood of the labels."""
        logits = self.logits / temperature
        if self.binary:
            return float(np.logaddexp(0.0, np.where(self.labels == 1, -logits, logits)).mean())
        chances = log_softmax(logits, axis=1)
        return float(-chances[np.arange(len(self.labels)), self.labels].mean())


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
        By head; 1.0 where fewer than ``MIN_ITEMS`` answers are labelled.
    """
    heads: dict[Head, _Labelled | None] = {
        "topic": _topics(rows, answers, labels),
        "sentiment": _choices(
            ((answer.sentiment_logits, row.sentiment) for row, answer in zip(rows, answers, strict=True)),
            labels.sentiments,
        ),
        "intent": _choices(
            ((answer.intent_logits, row.intent) for row, answer in zip(rows, answers, strict=True)), labels.intents
        ),
        "entities": _choices(
            (pair for answer in answers for pair in zip(answer.tag_logits, answer.tags, strict=True)),
            labels.entity_tags,
        ),
        "towards": _choices(
            (
                (logits, entity.sentiment)
                for row, answer in zip(rows, answers, strict=True)
                for logits, entity in zip(answer.towards_logits, row.entities or (), strict=True)
            ),
            labels.sentiments,
        ),
    }
    return {head: _fit(labelled) for head, labelled in heads.items() if labelled is not None}


def fold(heads: Heads, temperatures: Mapping[Head, Temperature]) -> Heads:
    """The same heads, their logits divided by their temperatures."""
    by = {head: temperature.value for head, temperature in temperatures.items()}
    return replace(
        heads,
        topic=_divided(heads.topic, by.get("topic", 1.0)),
        sentiment=_divided(heads.sentiment, by.get("sentiment", 1.0)),
        intent=None if heads.intent is None else _divided(heads.intent, by.get("intent", 1.0)),
        entity=Mlp(heads.entity.hidden, _divided(heads.entity.output, by.get("entities", 1.0))),
        towards=Mlp(heads.towards.hidden, _divided(heads.towards.output, by.get("towards", 1.0))),
    )


def _divided(linear: Linear, temperature: float) -> Linear:
    by = np.float32(temperature)
    return Linear(linear.weight / by, linear.bias / by)


def _choices(pairs: Iterable[tuple[NDArray[np.float32], str | None]], names: Sequence[str]) -> _Labelled | None:
    """Logits that somebody labelled, with a label that the graph knows."""
    known = [(logits, names.index(name)) for logits, name in pairs if name in names]
    if not known:
        return None
    return _Labelled(
        np.stack([logits for logits, _ in known]).astype(np.float64), np.array([number for _, number in known])
    )


def _topics(rows: Sequence[Row], answers: Sequence[RowAnswer], labels: Labels) -> _Labelled | None:
    labelled = [(answer, row.topics) for row, answer in zip(rows, answers, strict=True) if row.topics is not None]
    if labels.topic_mode == "single":
        return _choices(((answer.topic_logits, topics[0]) for answer, topics in labelled if topics), labels.topics)
    if not labelled:
        return None
    true = [[int(name in topics) for name in labels.topics] for _, topics in labelled]
    logits = np.concatenate([answer.topic_logits for answer, _ in labelled])
    return _Labelled(logits.astype(np.float64), np.array(true, np.int64).ravel(), binary=True)


def _fit(labelled: _Labelled) -> Temperature:
    """Minimise over the logarithm, in which a half and a double are equally far from one."""
    before = labelled.loss(1.0)
    items = len(labelled.labels)
    if items < MIN_ITEMS:
        return Temperature(value=1.0, items=items, loss_before=before, loss_after=before)
    limit = float(np.log(_LARGEST))
    found = minimize_scalar(lambda log: labelled.loss(float(np.exp(log))), bounds=(-limit, limit), method="bounded")
    value = float(np.exp(found.x))
    return Temperature(value=value, items=items, loss_before=before, loss_after=labelled.loss(value))
