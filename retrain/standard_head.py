"""A head in training: what it reads is standardised first, which is folded into its weights when training is over.

Some of the trunk's states hardly vary about a large mean. Unscaled, dropping one of those would shift a head's answers
by more than any text does, and a step of one size would be too long for some weights and too short for others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from models.heads import Linear, Mlp

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# States vary by a tenth or more. Ones that vary by less than this are dead: MiniLM's last norm has gains of 1e-33.
# Heads that were fitted on them have weights of 1e29 there, whose gradients, once cut to length, would leave nothing to
# all the rest of the trunk.
_DEAD = 1e-4


class StandardHead(nn.Module):
    """A fitted head.

    Args:
        head: The affine map, or the two of them, of rows as they come.
        dropout: Share of its inputs, and of what is hidden, that is dropped while training.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, head: Linear | Mlp, dropout: float) -> None:
        super().__init__()
        first = head.hidden if isinstance(head, Mlp) else head
        self.first = _layer(first)
        self.output = _layer(head.output) if isinstance(head, Mlp) else None
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("mean", torch.zeros(self.first.in_features))
        self.register_buffer("deviation", torch.ones(self.first.in_features))

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows [..., inputs] to logits [..., outputs]."""
        given: Tensor = self.first(self.dropout((rows - self.mean) / self.deviation))
        if self.output is not None:
            given = self.output(self.dropout(torch.relu(given)))
        return given

    @torch.no_grad()
    def standardise(self, rows: Tensor) -> None:
        """Learn how the inputs are spread, and change the weights so that the answers stay what they were.

        Dead inputs lose their weights. One that never varies, such as a case that no word of these was written in,
        keeps its own.

        Args:
            rows: Inputs as they come, [rows, inputs]; one at least.
        """
        mean, deviation = rows.mean(dim=0), rows.std(dim=0, correction=0)
        dead = (deviation > 0) & (deviation < _DEAD)
        # A row is then about one long, however many inputs it has: AdamW moves every weight by the rate, and a head of
        # 2,688 inputs that each vary by one would leap by two logits a step at 1e-3.
        deviation = torch.where(deviation < _DEAD, 1.0, deviation) * math.sqrt(self.first.in_features)
        # Out of the spread that was taken before and into the new one.
        weight = self.first.weight / self.deviation
        self.first.bias.add_(weight @ (mean - self.mean))
        self.first.weight.copy_(torch.where(dead, 0.0, weight * deviation))
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def to_map(self) -> Linear | Mlp:
        """The head as it is served: of rows as they come."""
        first = _map(self.first).after_scaling(_array(self.mean), _array(self.deviation))
        return first if self.output is None else Mlp(first, _map(self.output))


def _layer(map_: Linear) -> nn.Linear:
    inputs, outputs = map_.weight.shape
    layer = nn.Linear(inputs, outputs)
    layer.load_state_dict({"weight": _tensor(map_.weight.T), "bias": _tensor(map_.bias)})
    return layer


def _map(layer: nn.Linear) -> Linear:
    return Linear(_array(layer.weight.T), _array(layer.bias))


def _tensor(array: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(array.copy())


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().to("cpu", torch.float32).contiguous().numpy().copy()
    return array
