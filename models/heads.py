"""The heads: what each reads of the trunk, and what was fitted.

Probing a frozen encoder's layers, each of which knows something else, follows Peters et al., "To Tune or Not to Tune?"
(2019), and Tenney et al., "BERT Rediscovers the Classical NLP Pipeline" (2019): the lower layers name things, the
upper ones tell meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

CASE_WINDOW = 2
"""How many neighbours to each side a token's case is seen of."""

CASE_TABLE: Matrix = np.eye(6, dtype=np.float32)[:, 1:]
"""One-hot of each case but the first, float32 [6, 5]: special tokens are zeros, as is what lies beyond the ends."""

_SIXTHS = 6


@dataclass(frozen=True, slots=True)
class Pooled:
    """Layers of which a text's tokens are pooled, by mean and by maximum."""

    mean: tuple[int, ...] = ()
    max: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Which layers each head reads; 0 is the embeddings."""

    topic: Pooled
    sentiment: Pooled
    intent: Pooled
    entity: tuple[int, ...]
    towards: tuple[int, ...]
    towards_context: Pooled
    """What the head for the sentiment towards an entity sees of the whole text."""

    @property
    def token_layers(self) -> tuple[int, ...]:
        """Layers of which each token's state is read."""
        return tuple(sorted({*self.entity, *self.towards}))

    @property
    def mean_layers(self) -> tuple[int, ...]:
        """Layers that are pooled by mean."""
        pooled = (self.topic, self.sentiment, self.intent, self.towards_context)
        return tuple(sorted({layer for part in pooled for layer in part.mean}))

    @property
    def max_layers(self) -> tuple[int, ...]:
        """Layers that are pooled by maximum."""
        pooled = (self.topic, self.sentiment, self.intent, self.towards_context)
        return tuple(sorted({layer for part in pooled for layer in part.max}))


def plan_for(layers: int) -> Plan:
    """The plan for a trunk of so many layers.

    Set by hand on MiniLM-L6, after cross-validation of sets like these within the finance seed's training part (not of
    each of them as it stands here), and stretched over other depths. That of the sentiment was set on e5-small-v2, by
    real messages of the training parts of three labelled sets: layers 1 and 2 help on the seed, and not on these.
    """

    def at(*sixths: int) -> tuple[int, ...]:
        return tuple(sorted({round(part * layers / _SIXTHS) for part in sixths}))

    return Plan(
        topic=Pooled(mean=at(4, 5, 6), max=at(4, 5, 6)),
        sentiment=Pooled(mean=at(0, 3, 4, 5, 6)),
        intent=Pooled(mean=at(5, 6)),
        entity=at(1, 2, 4),
        towards=at(2, 4, 5, 6),
        towards_context=Pooled(mean=at(2, 4, 6)),
    )


@dataclass(frozen=True, slots=True)
class Linear:
    """An affine map."""

    weight: Matrix
    """[inputs, outputs]."""
    bias: Matrix
    """[outputs]."""

    def __call__(self, rows: Matrix) -> Matrix:
        """Map rows [rows, inputs] to [rows, outputs]."""
        return rows @ self.weight + self.bias

    def after_scaling(self, mean: Matrix, deviation: Matrix) -> Linear:
        """The same map of rows that were not standardised: the scaler is folded into the weights."""
        weight = self.weight / deviation[:, None]
        return Linear(weight.astype(np.float32), (self.bias - mean @ weight).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Mlp:
    """Two affine maps with a ReLU between."""

    hidden: Linear
    output: Linear

    def __call__(self, rows: Matrix) -> Matrix:
        """Map rows [rows, inputs] to [rows, outputs]."""
        return self.output(np.maximum(self.hidden(rows), 0.0))


@dataclass(frozen=True, slots=True)
class Heads:
    """Every head, fitted; outputs are logits in the order of the version's labels."""

    plan: Plan
    topic: Linear
    sentiment: Linear
    intent: Linear | None
    """None where the domain has no intents."""
    entity: Mlp
    towards: Mlp
