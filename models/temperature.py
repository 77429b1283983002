"""One number a head by which its probabilities mean what they say.

Temperature scaling: Guo et al., "On Calibration of Modern Neural Networks" (2017). A temperature changes no answer,
only how sure it is: so it is fitted on a validation part and folded into the head's last weights, and whoever serves
the graph needs to know nothing of it.

Where every answer of the validation part is right, the plain likelihood would have each of them certain. Platt,
"Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized Likelihood Methods" (1999), holds
against it what so many answers cannot tell: of n, one more might have been wrong, and what is right is aimed at with
(n + 1) / (n + 2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp

from models.heads import Linear, Mlp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.heads import Heads

MIN_ITEMS = 50
"""Labelled texts below which a temperature would be fitted to chance: the head is left as it is. The words of one text
are no witnesses of their own, nor are its topics."""

# A factor of twenty either way; a head that wants more is wrong in other ways.
_LARGEST = 20.0


class Temperature(Struct, frozen=True, kw_only=True):
    """By what a head's logits are divided, and what that did to the validation part."""

    value: float
    items: int
    """Labelled answers that it was fitted on."""
    loss_before: float
    """Mean negative log-likelihood, as ``LabelledLogits.loss`` has it."""
    loss_after: float


@dataclass(frozen=True, slots=True)
class LabelledLogits:
    """Logits of a head, and the labels, as numbers or (of several topics) as yes and no.

    Attributes:
        logits: float64 [items, classes], or [items] where it is yes or no.
        labels: int64 [items].
        binary: Whether it is yes or no.
        texts: How many texts the items are of; None where each has one of its own.
    """

    logits: NDArray[np.float64]
    labels: NDArray[np.int64]
    binary: bool = False
    texts: int | None = None

    def loss(self, temperature: float) -> float:
        """Mean negative log-likelihood of the labels, which are held to be right in (n + 1) of (n + 2) cases."""
        label, others = self._chances(self.logits / temperature)
        wrong = 1.0 / (len(self.labels) + 2)
        return float(-((1.0 - wrong) * label + wrong * others).mean())

    def _chances(self, logits: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logarithms of the probabilities of each label, and of all others together."""
        if self.binary:
            said = np.where(self.labels == 1, logits, -logits)
            return -np.logaddexp(0.0, -said), -np.logaddexp(0.0, said)
        chances = log_softmax(logits, axis=1)
        if chances.shape[1] == 1:  # There is no other, and nothing to be unsure of.
            return chances[:, 0], chances[:, 0]
        labels = np.arange(len(self.labels)), self.labels
        others = chances.copy()
        others[labels] = -np.inf
        return chances[labels], logsumexp(others, axis=1)


def fit_temperature(labelled: LabelledLogits) -> Temperature:
    """The temperature that makes the labels likeliest; 1.0 where fewer than ``MIN_ITEMS`` texts are labelled.

    Minimised over the logarithm, in which a half and a double are equally far from one.
    """
    before = labelled.loss(1.0)
    items = len(labelled.labels)
    if (items if labelled.texts is None else labelled.texts) < MIN_ITEMS:
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
