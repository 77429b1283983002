"""What a generator's version says of itself beside its manifest, and how texts are to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Self

from msgspec import Meta, Struct

from models.generator.chat import Form

if TYPE_CHECKING:
    from streams.contract.service_settings import GeneratorSettings

CONFIG = "generator.json"
PARITY = "parity.json"

Count = Annotated[int, Meta(ge=1)]


class GeneratorConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``generator.json`` of a version: the graph's sizes, and the form of its turns."""

    schema: Literal[1] = 1
    layers: Count
    key_value_heads: Count
    head_dim: Count
    vocab_size: Count
    context: Count
    """Tokens of the longest text, prompt and all."""
    form: Form


class GreedySample(Struct, frozen=True, kw_only=True):
    """A prompt, and what the served graph wrote to it, likeliest token by likeliest token, at export."""

    prompt: Annotated[tuple[int, ...], Meta(min_length=1)]
    tokens: Annotated[tuple[int, ...], Meta(min_length=1)]
    sure: tuple[int, ...]
    """Places among the tokens where the likeliest one was well ahead of the second."""


class GreedyParity(Struct, frozen=True, kw_only=True):
    """``parity.json`` of a version."""

    samples: Annotated[tuple[GreedySample, ...], Meta(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationOptions:
    """How texts are written; the settings of the same names say what each means."""

    max_prompt_tokens: int = 768
    max_new_tokens: int = 120
    temperature: float = 0.0
    top_p: float = 0.9
    repetition_penalty: float = 1.1
    seed: int = 13

    @classmethod
    def of(cls, settings: GeneratorSettings) -> Self:
        """Those of the settings."""
        return cls(
            max_prompt_tokens=settings.max_prompt_tokens,
            max_new_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            repetition_penalty=settings.repetition_penalty,
            seed=settings.seed,
        )
