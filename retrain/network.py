"""The served graph in torch, so that it can be trained: made of a trunk and heads, and turned back into them.

``models.encoder_graph`` writes the same computation as ONNX from the same parts. Training therefore ends in weights and
not in an export: ``encoder_model(*network.to_parts())`` is the served graph. A test holds the two together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import torch
from peft import PeftModel
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from models.heads import CASE_TABLE, CASE_WINDOW, Heads, Plan, Pooled
from retrain.standard_head import StandardHead

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.bert import Trunk

# Below any state, so that padding never is a maximum.
_LOWEST = -10_000.0


class Logits(NamedTuple):
    """What the heads answer, float32, in the order of the version's labels."""

    topic: Tensor
    """[batch, topics]."""
    sentiment: Tensor
    """[batch, sentiments]."""
    intent: Tensor | None
    """[batch, intents]; None where the domain has none."""
    entities: Tensor
    """[batch, length, tags]."""
    towards: Tensor
    """[batch, length, sentiments], of which an entity's is the mean over its pieces."""


class Network(nn.Module):
    """A BERT encoder and the heads that read its layers.

    Args:
        trunk: The encoder as it was; its weights are copied.
        heads: The heads as they were; likewise.
        dropout: Share that is dropped inside the trunk and before the heads, while training.
    """

    cases: Tensor

    def __init__(self, trunk: Trunk, heads: Heads, dropout: float = 0.0) -> None:
        super().__init__()
        self._trunk = trunk
        self._plan: Plan = heads.plan
        # LoRA wraps it for the time of the training.
        self.trunk: BertModel | PeftModel = _bert(trunk, dropout)
        fitted = {
            "topic": heads.topic,
            "sentiment": heads.sentiment,
            "intent": heads.intent,
            "entities": heads.entity,
            "towards": heads.towards,
        }
        self.heads = nn.ModuleDict(
            {name: StandardHead(head, dropout) for name, head in fitted.items() if head is not None}
        )
        self.register_buffer("cases", torch.from_numpy(CASE_TABLE.copy()), persistent=False)

    @classmethod
    def from_parts(cls, trunk: Trunk, heads: Heads, dropout: float = 0.0) -> Self:
        """The network of a trunk and its heads, ready to answer; training mode is the trainer's to set."""
        network = cls(trunk, heads, dropout)
        network.eval()
        return network

    @property
    def width(self) -> int:
        """Of the trunk's states."""
        return self._trunk.width

    def to_parts(self) -> tuple[Trunk, Heads]:
        """The trunk and the heads as they are now, for ``encoder_model``; what LoRA added is merged for good."""
        if isinstance(self.trunk, PeftModel):
            self.trunk = self.trunk.merge_and_unload()
        state = self.trunk.state_dict()
        weights = {name: tensor.detach().to("cpu", torch.float32).numpy().copy() for name, tensor in state.items()}
        maps: dict[str, Any] = {name: head.to_map() for name, head in self._named_heads()}
        heads = Heads(
            plan=self._plan,
            topic=maps["topic"],
            sentiment=maps["sentiment"],
            intent=maps.get("intent"),
            entity=maps["entities"],
            towards=maps["towards"],
        )
        return replace(self._trunk, weights=weights), heads

    @torch.no_grad()
    def standardise(self, batches: Iterable[Mapping[str, Tensor]]) -> None:
        """Let each head learn how what it reads is spread; the answers stay what they were.

        Args:
            batches: Arguments of ``forward``.
        """
        self.eval()
        found: dict[str, list[Tensor]] = {name: [] for name, _ in self._named_heads()}
        for batch in batches:
            shown = batch["attention_mask"].bool()
            for name, rows in self._rows(batch["input_ids"], batch["attention_mask"], batch["case_ids"]).items():
                found[name].append(rows[shown] if rows.ndim > 2 else rows)  # noqa: PLR2004  tokens, or texts
        for name, head in self._named_heads():
            head.standardise(torch.cat(found[name]))

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, case_ids: Tensor, perturbation: Tensor | None = None
    ) -> Logits:
        """Read a batch.

        Args:
            input_ids: int64 [batch, length].
            attention_mask: int64 [batch, length], 1 for tokens and 0 for padding.
            case_ids: int64 [batch, length], numbers of ``models.tokens.Case``.
            perturbation: Added to the embeddings of the word pieces, float32 [batch, length, width], for adversarial
                training.
        """
        rows = self._rows(input_ids, attention_mask, case_ids, perturbation)
        logits = {name: head(rows[name]) for name, head in self._named_heads()}
        return Logits(**{"intent": None, **logits})

    def _rows(
        self, input_ids: Tensor, attention_mask: Tensor, case_ids: Tensor, perturbation: Tensor | None = None
    ) -> dict[str, Tensor]:
        """What each head reads: of texts [batch, inputs], of tokens [batch, length, inputs]."""
        pieces = self.trunk.get_input_embeddings()(input_ids)
        if perturbation is not None:
            pieces = pieces + perturbation
        states: tuple[Tensor, ...] = self.trunk(
            inputs_embeds=pieces, attention_mask=attention_mask, output_hidden_states=True
        ).hidden_states
        mask = attention_mask.unsqueeze(-1).to(states[0].dtype)
        plan = self._plan
        context = _pool(states, mask, plan.towards_context).unsqueeze(1).expand(-1, mask.shape[1], -1)
        rows = {
            "topic": _pool(states, mask, plan.topic),
            "sentiment": _pool(states, mask, plan.sentiment),
            "entities": torch.cat([*(states[layer] for layer in plan.entity), *self._cases(case_ids)], dim=-1),
            "towards": torch.cat([*(states[layer] for layer in plan.towards), context], dim=-1),
        }
        return {**rows, "intent": _pool(states, mask, plan.intent)} if "intent" in self.heads else rows

    def _cases(self, case_ids: Tensor) -> list[Tensor]:
        """Case of each token and its neighbours, each [batch, length, 5], zeros beyond the ends."""
        length = case_ids.shape[1]
        padded = nn.functional.pad(self.cases[case_ids], (0, 0, CASE_WINDOW, CASE_WINDOW))
        return [padded[:, start : start + length] for start in range(2 * CASE_WINDOW + 1)]

    def _named_heads(self) -> list[tuple[str, StandardHead]]:
        return [(name, head) for name, head in self.heads.items() if isinstance(head, StandardHead)]


def _pool(states: tuple[Tensor, ...], mask: Tensor, pooled: Pooled) -> Tensor:
    """Layers' means and maxima over a text's tokens: [batch, layers * width]."""
    means = [(states[layer] * mask).sum(dim=1) / mask.sum(dim=1) for layer in pooled.mean]
    maxima = [(states[layer] + (1.0 - mask) * _LOWEST).amax(dim=1) for layer in pooled.max]
    return torch.cat([*means, *maxima], dim=-1)


def _bert(trunk: Trunk, dropout: float) -> BertModel:
    """Transformers' encoder with the trunk's weights; of a checkpoint's others, such as a pooler's, it has no use."""
    weights = trunk.weights
    config = BertConfig(
        vocab_size=len(weights["embeddings.word_embeddings.weight"]),
        hidden_size=trunk.width,
        num_hidden_layers=trunk.layers,
        num_attention_heads=trunk.heads,
        intermediate_size=len(weights["encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(weights["embeddings.position_embeddings.weight"]),
        type_vocab_size=len(weights["embeddings.token_type_embeddings.weight"]),
        layer_norm_eps=trunk.epsilon,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    bert = BertModel(config, add_pooling_layer=False)  # type: ignore[no-untyped-call]
    # Copies: a checkpoint's arrays may be read-only, and stay the caller's.
    bert.load_state_dict({name: torch.from_numpy(weights[name].copy()) for name in bert.state_dict()})
    return bert
