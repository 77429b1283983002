"""What of a network is trained: all of it, its upper layers, or low-rank additions to it. The heads always are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peft import LoraConfig, get_peft_model

if TYPE_CHECKING:
    from retrain.network import Network
    from streams.contract.model_settings import RetrainSettings

LORA_RATE = 5.0
"""The additions begin at nothing and are small: they take several times the rate that the weights themselves do."""

# They weigh so many times their plain product.
_LORA_SCALE = 2
# Every affine map of a block: on those of attention alone, LoRA learns less with as many weights.
_LORA_MAPS = ["query", "key", "value", "dense"]


def apply_method(network: Network, settings: RetrainSettings) -> None:
    """Set which parameters of a network learn.

    LoRA is that of Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2022), by peft; ``to_parts`` merges
    what it added, so that the served graph is no larger for it.
    """
    if settings.method == "lora":
        config = LoraConfig(
            r=settings.lora_rank,
            lora_alpha=_LORA_SCALE * settings.lora_rank,
            lora_dropout=settings.dropout,
            target_modules=_LORA_MAPS,
        )
        network.trunk = get_peft_model(network.trunk, config)
    elif settings.method == "frozen":
        # What the lowest layers know (names, grammar) is the same in every domain, and the steps are cheaper.
        layers = network.trunk.encoder.layer
        frozen = len(layers) // 2 if settings.frozen_layers is None else settings.frozen_layers
        for part in (network.trunk.embeddings, *layers[:frozen]):
            part.requires_grad_(requires_grad=False)
