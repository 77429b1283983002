"""Answers of models whose accuracy is known, as the gate looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrain.judged import HeadScores, Judged, Part, Sureness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def one_label(right: NDArray[np.bool_], confidences: NDArray[np.float64]) -> HeadScores:
    """A head that gives every row one label, and says how sure it is of it."""
    rows = right.size
    return HeadScores(right.astype(float), np.ones(rows), Sureness.of(np.arange(rows), confidences, right, rows))


def part(accuracies: Mapping[str, float], rows: int, seed: int, *, groups: NDArray[np.intp] | None = None) -> Part:
    """Answers to some rows; equal seeds make two models of equal accuracy answer alike."""
    generator = np.random.default_rng(seed)
    ease = {head: generator.random(rows) for head in accuracies}
    heads = {head: one_label(ease[head] < accuracy, np.full(rows, accuracy)) for head, accuracy in accuracies.items()}
    places = np.arange(rows)
    slices = {"source=first": places < rows // 2, "source=second": places >= rows // 2}
    return Part(tuple(map(str, places)), places if groups is None else groups, heads, slices)


def judged(topic: float, sentiment: float, *, recent: float | None = None, latency_ms: float = 5.0) -> Judged:
    """All parts of a model; on the newest messages both heads are as accurate as ``recent`` says, where given."""
    accuracies = {"topic": topic, "sentiment": sentiment}
    newest = accuracies if recent is None else dict.fromkeys(accuracies, recent)
    return Judged(
        parts={
            "frozen": part(accuracies, 400, 1),
            "recent": part(newest, 300, 2),
            "control": part(newest, 150, 3),
        },
        perturbed={"typos": part(accuracies, 400, 4)},
        latency_ms=latency_ms,
    )
