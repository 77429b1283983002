"""One number a head by which its probabilities mean what they say.

Temperature scaling: Guo et al., "On Calibration of Modern Neural Networks" (2017). A temperature changes no answer,
only how sure it is: so it is fitted on a validation part and folded into the head's last weights, and whoever serves
the graph needs to know nothing of it.
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
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.heads import Heads

MIN_ITEMS = 50
"""Labelled answers below which a temperature would be fitted to chance: the head is left as it is."""

# A factor of twenty either way; a head that wants more is wrong in other ways.
_LARGEST = 20.0


class Temperature(Struct, frozen=True, kw_only=True):
    """By what a head's logits are divided, and what that did to the validation part."""

    value: float
    items: int
    """Labelled answers that it was fitted on."""
    loss_before: float
    """Mean negative log-likelihood; 0 where nothing was labelled."""
    loss_after: float


@dataclass(frozen=True, slots=True)
class LabelledLogits:
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


def fit_temperature(labelled: LabelledLogits) -> Temperature:
    """The temperature that makes the labels likeliest; 1.0 where fewer than ``MIN_ITEMS`` are labelled.

    Minimised over the logarithm, in which a half and a double are equally far from one.
    """
    before = labelled.loss(1.0)
    items = len(labelled.labels)
    if items < MIN_ITEMS:
        return Temperature(value=1.0, items=items, loss_before=before, loss_after=before)
    limit = float(np.log(_LARGEST))
    found = minimize_scalar(lambda log: labelled.loss(float(np.exp(log))), bounds=(-limit, limit), method="bounded")
    value = float(np.exp(found.x))
    return Temperature(value=value, items=items, loss_before=before, loss_after=labelled.loss(value))


def fold(heads: Heads, temperatures: Mapping[str, Temperature]) -> Heads:
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
