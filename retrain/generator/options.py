"""How a generator is fine-tuned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from retrain.arguments import wants_bf16

if TYPE_CHECKING:
    from streams.contract.model_settings import RetrainSettings

# LoRA's additions begin at nothing and are small: they take much more than the weights themselves do.
_LORA_RATE, _FULL_RATE = 5e-4, 2e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningOptions:
    """Method, rates and the rest."""

    method: Literal["lora", "full"] = "lora"
    rank: int = 16
    """Of LoRA's additions."""
    blocks: int = 15
    """Uppermost blocks that LoRA is added to; those below are spared, with the way back through them."""
    epochs: int = 3
    """Most passes over the pairs."""
    patience: int = 1
    """Passes without a lower validation loss after which training ends."""
    batch: int = 8
    """Pairs in one step."""
    learning_rate: float = _LORA_RATE
    """At its highest."""
    warm_up: float = 0.1
    """Share of the steps in which the rate rises; it falls to nothing in the others."""
    weight_decay: float = 0.0
    max_gradient_norm: float = 1.0
    bf16: bool = False
    """Multiply in bfloat16; the weights that learn stay in fp32."""
    seed: int = 13

    @classmethod
    def of(cls, settings: RetrainSettings) -> Self:
        """What the settings of retraining say, as far as it concerns a generator; the rates are its own."""
        return cls(
            method="full" if settings.method == "full" else "lora",
            rank=settings.lora_rank,
            learning_rate=_FULL_RATE if settings.method == "full" else _LORA_RATE,
            bf16=wants_bf16(settings),
            seed=settings.seed,
        )
