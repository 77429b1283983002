"""The served model in torch: the same trunk by transformers, the same heads, in fp32; a forward pass for each task.

Only the rival of the throughput benchmark uses this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from transformers import BertModel

from models.encoder_graph import HEAD_PREFIX
from models.heads import CASE_TABLE, CASE_WINDOW, Pooled, plan_for

if TYPE_CHECKING:
    from pathlib import Path

    from models.tokens import Tokens

_LOWEST = -10_000.0


class HeadsMissingError(Exception):
    """The served graph does not hold its heads under the names that are looked for."""


class TorchModel(nn.Module):
    """Each task as a model of its own would answer it: the whole trunk, then one head.

    Args:
        base: Folder of the base weights.
        graph: The served graph, which holds the heads in fp32.

    Raises:
        HeadsMissingError: The graph's heads are not as this file knows them.
    """

    cases: Tensor

    def __init__(self, base: Path, graph: Path) -> None:
        super().__init__()
        self.trunk = BertModel.from_pretrained(base, add_pooling_layer=False)
        self.plan = plan_for(self.trunk.config.num_hidden_layers)
        constants = {constant.name: constant for constant in onnx.load(graph).graph.initializer}
        self.topic = _linear(constants, "topic")
        self.sentiment = _linear(constants, "sentiment")
        self.intent = _linear(constants, "intent") if f"{HEAD_PREFIX}intent.weight" in constants else None
        self.entity_hidden = _linear(constants, "entity.hidden")
        self.entity = _linear(constants, "entity")
        self.register_buffer("cases", torch.from_numpy(CASE_TABLE.copy()))
        self.eval()

    def topic_logits(self, tokens: Tokens) -> Tensor:
        """[batch, topics]."""
        return self._sentence(tokens, self.plan.topic, self.topic)

    def sentiment_logits(self, tokens: Tokens) -> Tensor:
        """[batch, 3]."""
        return self._sentence(tokens, self.plan.sentiment, self.sentiment)

    def intent_logits(self, tokens: Tokens) -> Tensor:
        """[batch, intents]."""
        if self.intent is None:
            raise HeadsMissingError("the served version has no intents")
        return self._sentence(tokens, self.plan.intent, self.intent)

    def entity_logits(self, tokens: Tokens) -> Tensor:
        """[batch, length, tags]."""
        states, _ = self._states(tokens)
        length = states[0].shape[1]
        cases = nn.functional.pad(self.cases[torch.from_numpy(tokens.case_ids)], (0, 0, CASE_WINDOW, CASE_WINDOW))
        shifts = [cases[:, start : start + length] for start in range(2 * CASE_WINDOW + 1)]
        rows = torch.cat([*(states[layer] for layer in self.plan.entity), *shifts], dim=-1)
        logits: Tensor = self.entity(torch.relu(self.entity_hidden(rows)))
        return logits

    def embedding(self, tokens: Tokens) -> Tensor:
        """Unit vectors, [batch, width]."""
        states, mask = self._states(tokens)
        return nn.functional.normalize(_mean(states[-1], mask), dim=-1)

    def _sentence(self, tokens: Tokens, pooled: Pooled, head: nn.Linear) -> Tensor:
        states, mask = self._states(tokens)
        means = [_mean(states[layer], mask) for layer in pooled.mean]
        maxima = [(states[layer] + (1.0 - mask) * _LOWEST).amax(dim=1) for layer in pooled.max]
        logits: Tensor = head(torch.cat(means + maxima, dim=-1))
        return logits

    def _states(self, tokens: Tokens) -> tuple[tuple[Tensor, ...], Tensor]:
        """Hidden states of the embeddings and each layer, and the mask [batch, length, 1]."""
        mask = torch.from_numpy(tokens.attention_mask)
        answer = self.trunk(torch.from_numpy(tokens.input_ids), attention_mask=mask, output_hidden_states=True)
        return answer.hidden_states, mask.unsqueeze(-1).float()


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    return (states * mask).sum(dim=1) / mask.sum(dim=1)


def _linear(constants: dict[str, Any], name: str) -> nn.Linear:
    try:
        weight, bias = (
            torch.from_numpy(numpy_helper.to_array(constants[f"{HEAD_PREFIX}{name}.{part}"]).copy())
            for part in ("weight", "bias")
        )
    except KeyError as error:
        raise HeadsMissingError(f"the served graph has no constant {error}: was it made by another trainer?") from None
    layer = nn.Linear(weight.shape[0], weight.shape[1])
    layer.weight = nn.Parameter(weight.T.contiguous())
    layer.bias = nn.Parameter(bias)
    return layer
