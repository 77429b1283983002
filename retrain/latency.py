"""How long a model takes, as it is served: measured side by side where models are compared."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrain.answers import Readable

TEXTS = 64
_PASSES = 5
_MS = 1000.0


class Latency(Struct, frozen=True, kw_only=True):
    """Milliseconds from a text to the heads' outputs, each text at its fastest of some passes."""

    texts: int
    median_ms: float
    """Of one text alone."""
    p95_ms: float
    """Likewise."""
    batch_ms: float
    """Of a text among many, at its share of the time."""


def measure(models: Sequence[Readable], texts: Sequence[str]) -> list[Latency]:
    """Time models on the same texts.

    They take turns text by text, and of each text the fastest of five passes counts: whatever else the machine does
    then slows all of them or none.

    Args:
        models: The models.
        texts: At least one; of many, evenly spread ones are taken.

    Returns:
        One figure for each model, in their order.
    """
    chosen = texts[:: -(-len(texts) // TEXTS)]
    for model in models:
        _time(model, chosen)
    alone = np.full((len(models), len(chosen)), np.inf)
    together = np.full(len(models), np.inf)
    for _ in range(_PASSES):
        for place, text in enumerate(chosen):
            for number, model in enumerate(models):
                alone[number, place] = min(alone[number, place], _time(model, [text]))
        for number, model in enumerate(models):
            together[number] = min(together[number], _time(model, chosen))
    return [
        Latency(
            texts=len(chosen),
            median_ms=_MS * float(np.median(times)),
            p95_ms=_MS * float(np.quantile(times, 0.95)),
            batch_ms=_MS * float(whole) / len(chosen),
        )
        for times, whole in zip(alone, together, strict=True)
    ]


def _time(model: Readable, texts: Sequence[str]) -> float:
    began = perf_counter()
    for _ in model.runs(texts):
        pass
    return perf_counter() - began
